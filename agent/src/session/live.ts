import type { FamilyRows, TelemetryService } from "@devflow/proto/metrics/v1/metrics";
import type { ClientStream } from "@devflow/rpc";

/** The one-second stream: there only while somebody watches. A slow line loses frames, it does not queue them. */
export class LiveStream {
  readonly #open: () => ClientStream<typeof TelemetryService, "live">;
  #stream: ClientStream<typeof TelemetryService, "live"> | null = null;
  #blocked = false;

  constructor(open: () => ClientStream<typeof TelemetryService, "live">) {
    this.#open = open;
  }

  get on(): boolean {
    return this.#stream !== null;
  }

  set(on: boolean): void {
    if (on === this.on) return;
    if (!on) {
      this.#stream?.end();
      this.#stream = null;
      return;
    }
    const stream = this.#open();
    this.#stream = stream;
    this.#blocked = false;
    const over = (): void => {
      if (this.#stream === stream) this.#stream = null;
    };
    stream.on("data", () => undefined);
    stream.on("drain", () => (this.#blocked = false));
    stream.on("error", over); // the session's own stream tells why a connection ended
    stream.on("status", over);
  }

  send(readAtMs: number, families: () => FamilyRows[]): void {
    if (!this.#stream || this.#blocked) return;
    this.#blocked = !this.#stream.write({ readAtMs: BigInt(Math.round(readAtMs)), families: families() });
  }
}
