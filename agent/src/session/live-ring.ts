import { create } from "@bufbuild/protobuf";
import { type LiveRequest, LiveRequestSchema } from "@devflow/proto/metrics/v1/metrics";
import type { SecondValues } from "../feature.ts";

/** Seconds that are kept for whoever begins to watch. */
export const RING_FRAMES = 120;
/** Some 100 KB on a plain server, 500 KB with 64 cores; one with hundreds of devices keeps fewer seconds. */
const RING_BYTES = 1024 * 1024;

/** The last seconds, so that a chart begins with two minutes instead of a hole. They are encoded when somebody watches. */
export class LiveRing {
  readonly #frames: { readonly steadyMs: number; readonly seconds: readonly SecondValues[]; readonly bytes: number }[] = [];
  #bytes = 0;

  /** @param steadyMs when it was read; becomes wall-clock time only when it is sent, since the clock may yet settle */
  push(steadyMs: number, seconds: readonly SecondValues[]): void {
    if (seconds.length === 0) return;
    let bytes = 0;
    for (const second of seconds) bytes += second.bytes;
    this.#frames.push({ steadyMs, seconds, bytes });
    this.#bytes += bytes;
    while (this.#frames.length > RING_FRAMES || this.#bytes > RING_BYTES) this.#bytes -= this.#frames.shift()?.bytes ?? 0;
  }

  /** Oldest first. @param offsetMs settled wall-clock time minus steady time */
  *requests(offsetMs: number): Iterable<LiveRequest> {
    for (const { steadyMs, seconds } of this.#frames)
      yield create(LiveRequestSchema, {
        readAtMs: BigInt(Math.round(steadyMs + offsetMs)),
        families: seconds.flatMap((second) => second.encode()),
      });
  }
}
