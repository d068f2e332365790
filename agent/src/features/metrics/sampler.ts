import { monotonicMs } from "../../host/clock.ts";
import { type Probe, Sample } from "./probe.ts";
import { CpuProbe } from "./probes/cpu.ts";
import { DiskProbe } from "./probes/disk.ts";
import { FilesystemProbe } from "./probes/filesystem.ts";
import { LoadProbe } from "./probes/load.ts";
import { MemoryProbe } from "./probes/memory.ts";
import { NetworkProbe } from "./probes/network.ts";
import { ProcessesProbe } from "./probes/processes.ts";
import { PsiProbe } from "./probes/psi.ts";
import { TcpProbe } from "./probes/tcp.ts";

/** Makes each probe; those that may take longer come last, so that the others are read at the same moment. */
const factories: readonly ((root: string) => Probe)[] = [
  (root) => new CpuProbe(root),
  (root) => new DiskProbe(root),
  (root) => new NetworkProbe(root),
  (root) => new PsiProbe(root),
  (root) => new MemoryProbe(root),
  (root) => new LoadProbe(root),
  (root) => new FilesystemProbe(root),
  (root) => new ProcessesProbe(root),
  (root) => new TcpProbe(root),
];

export const TICK_MS = 1000;
/** After a longer pause (stopped process, starved machine) rates would smear over it: they start anew. */
const LONGEST_GAP_MS = 10_000;

/**
 * Milliseconds until the next tick. Ticks lie on a fixed grid of the monotonic clock, so that they neither drift nor
 * burst after a pause; one that would come less than half a tick after the last is left out.
 */
export function untilNextTick(nowMs: number, gridStartMs: number): number {
  const intoTick = (((nowMs - gridStartMs) % TICK_MS) + TICK_MS) % TICK_MS;
  const left = TICK_MS - intoTick;
  return left < TICK_MS / 2 ? left + TICK_MS : left;
}

/** Reads all probes. Each call of `read` returns the same Sample, filled anew. */
export class Sampler {
  readonly #probes: readonly Probe[];
  readonly #sample = new Sample();
  #number = 0;
  #lastMs = Number.NaN;

  /** `root`: where /proc and the file systems are looked for; "" for the machine itself. */
  constructor(root: string) {
    this.#probes = factories.map((make) => make(root));
  }

  /** One reading at a moment of the monotonic clock. */
  read(nowMs: number): Sample {
    const sinceMs = nowMs - this.#lastMs;
    this.#lastMs = nowMs;
    const tick = { number: this.#number++, elapsedMs: sinceMs > 0 && sinceMs <= LONGEST_GAP_MS ? sinceMs : Number.NaN };
    this.#sample.clear();
    for (const probe of this.#probes) probe.read(tick, this.#sample);
    return this.#sample;
  }

  close(): void {
    for (const probe of this.#probes) probe.close();
  }
}

/** Calls `onTick` with the monotonic time on each tick until the returned function is called. The first call is at once. */
export function startTicking(onTick: (nowMs: number) => void): () => void {
  const gridStartMs = monotonicMs();
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const tick = (): void => {
    onTick(monotonicMs());
    if (!stopped) timer = setTimeout(tick, untilNextTick(monotonicMs(), gridStartMs));
  };
  tick();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
