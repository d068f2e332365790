import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type FamilyRows, type LiveRequest, LiveRequestSchema } from "@devflow/proto/metrics/v1/metrics";

/** Seconds that are kept for whoever begins to watch. */
export const RING_FRAMES = 120;
/** Some 130 KB on a plain server; one with hundreds of devices keeps fewer seconds. */
const RING_BYTES = 512 * 1024;

/**
 * The last seconds as they are sent, so that a chart begins with two minutes instead of a hole. Encoded: one block of
 * bytes a second, instead of some hundred objects that the garbage collector would have to walk.
 */
export class LiveRing {
  readonly #frames: { readonly steadyMs: number; readonly bytes: Uint8Array }[] = [];
  #bytes = 0;

  /** @param steadyMs when it was read; becomes wall-clock time only when it is sent, since the clock may yet settle */
  push(steadyMs: number, families: FamilyRows[]): void {
    if (families.length === 0) return;
    const bytes = toBinary(LiveRequestSchema, create(LiveRequestSchema, { families }));
    this.#frames.push({ steadyMs, bytes });
    this.#bytes += bytes.length;
    while (this.#frames.length > RING_FRAMES || this.#bytes > RING_BYTES) this.#bytes -= this.#frames.shift()?.bytes.length ?? 0;
  }

  /** Oldest first. @param offsetMs settled wall-clock time minus steady time */
  *requests(offsetMs: number): Iterable<LiveRequest> {
    for (const { steadyMs, bytes } of this.#frames) {
      const request = fromBinary(LiveRequestSchema, bytes);
      request.readAtMs = BigInt(Math.round(steadyMs + offsetMs));
      yield request;
    }
  }
}
