import type { LiveRequest, TelemetryService } from "@devflow/proto/metrics/v1/metrics";
import type { ClientStream } from "@devflow/rpc";
import { status, type StatusObject } from "@grpc/grpc-js";
import type { SecondValues } from "../feature.ts";

const RETRY_MS = 1_000;

type Stream = ClientStream<typeof TelemetryService, "live">;

/**
 * The one-second stream: there only while somebody watches, and one at a time. It begins with the seconds before. A
 * slow line loses frames, it does not queue them.
 */
export class LiveStream {
  readonly #open: () => Stream;
  readonly #before: () => Iterable<LiveRequest>;
  #wanted = false;
  #stream: Stream | null = null;
  #blocked = false;
  #retry: NodeJS.Timeout | null = null;

  /** @param before the last seconds, oldest first */
  constructor(open: () => Stream, before: () => Iterable<LiveRequest>) {
    this.#open = open;
    this.#before = before;
  }

  set(on: boolean): void {
    this.#wanted = on;
    if (this.#retry) clearTimeout(this.#retry);
    this.#retry = null;
    if (!on) this.#stream?.end();
    else if (!this.#stream) this.#begin();
  }

  send(readAtMs: number, seconds: readonly SecondValues[]): void {
    if (!this.#wanted || !this.#stream || this.#blocked) return;
    const families = seconds.flatMap((second) => second.encode());
    this.#blocked = !this.#stream.write({ readAtMs: BigInt(Math.round(readAtMs)), families });
  }

  #begin(): void {
    const stream = this.#open();
    this.#stream = stream;
    this.#blocked = false;
    stream.on("data", () => undefined);
    stream.on("drain", () => (this.#blocked = false));
    stream.on("error", () => undefined); // "status" follows and tells the same
    stream.on("status", ({ code }: StatusObject) => {
      this.#stream = null;
      // Ended in order by the gateway: nobody watches. After an error, or when it was wanted again meanwhile: once more.
      if (code === status.OK && !stream.writableEnded) this.#wanted = false;
      if (this.#wanted) this.#retry = setTimeout(() => this.set(true), code === status.OK ? 0 : RETRY_MS);
    });
    for (const request of this.#before()) this.#blocked = !stream.write(request);
  }
}
