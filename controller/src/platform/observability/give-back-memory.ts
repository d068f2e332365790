import { performance } from "node:perf_hooks";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

const MiB = 2 ** 20;
const lookMs = 30_000;
/** Between two collections. */
const pauseMs = 10 * 60_000;
/** Share of time in which the event loop was at work. */
const quiet = 0.05;
/** A larger heap would stand still for too long, and its owner has the memory. */
const largestHeapBytes = 128 * MiB;
const worthBytes = 12 * MiB;

export interface Look {
  /** 0 to 1, since the last look. */
  readonly utilization: number;
  readonly heapUsedBytes: number;
  readonly heapTotalBytes: number;
  /** heapTotal after the last collection; null: there was none. */
  readonly heapAfterBytes: number | null;
  /** Since the last collection; Infinity: there was none. */
  readonly sinceMs: number;
}

/** Whether to collect now: nothing is going on, the pause is short, and there is something to get. */
export const isWorthIt = ({ utilization, heapUsedBytes, heapTotalBytes, heapAfterBytes, sinceMs }: Look): boolean =>
  utilization < quiet &&
  heapUsedBytes < largestHeapBytes &&
  sinceMs >= pauseMs &&
  (heapAfterBytes === null || heapTotalBytes - heapAfterBytes >= worthBytes);

/**
 * Gives memory back to the system while little happens. V8 collects when its heap grows, so an idle process keeps what
 * starting and its busiest moment took: a fifth of a small controller's memory. Each ten minutes at most, the process
 * stands still for it: 0.1 to 0.3 s.
 */
export function giveBackMemory(): void {
  // Node gives the collector to code by a flag of its command line, or this way to a process that runs already.
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as NonNullable<typeof globalThis.gc>;
  let last = performance.eventLoopUtilization();
  let collectedAt = -Infinity;
  let heapAfterBytes: number | null = null;
  const look = async (): Promise<void> => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    const { heapUsed: heapUsedBytes, heapTotal: heapTotalBytes } = process.memoryUsage();
    const sinceMs = performance.now() - collectedAt;
    if (!isWorthIt({ utilization, heapUsedBytes, heapTotalBytes, heapAfterBytes, sinceMs })) return;
    collectedAt = performance.now();
    // The flavour that empties pages and returns them.
    await collect({ type: "major", execution: "async", flavor: "last-resort" });
    heapAfterBytes = process.memoryUsage().heapTotal;
  };
  setInterval(() => void look(), lookMs).unref();
}
