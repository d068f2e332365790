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

/** After a longer pause (stopped process, starved machine) rates would smear over it: they start anew. */
const LONGEST_GAP_MS = 30_000;
/** Counters move in steps (a clock tick of the kernel is 10 ms): a rate over less than this would be noise. */
const SHORTEST_GAP_MS = 200;

/** Reads all probes. Each call of `read` returns the same Sample, filled anew. */
export class Sampler {
  readonly #probes: readonly Probe[];
  readonly #sample = new Sample();
  #number = 0;
  #lastMs = Number.NaN;
  #failure: Error | null = null;

  /**
   * `root`: where /proc and the file systems are looked for; "" for the machine itself.
   * `make`: makes the probes. Default: all that there are
   */
  constructor(root: string, make: readonly ((root: string) => Probe)[] = factories) {
    this.#probes = make.map((one) => one(root));
  }

  /** One reading at a moment of the monotonic clock; null, and nothing read, when the last one was just before. */
  read(nowMs: number): Sample | null {
    const sinceMs = nowMs - this.#lastMs;
    if (sinceMs < SHORTEST_GAP_MS) return null;
    this.#lastMs = nowMs;
    const tick = { number: this.#number++, elapsedMs: sinceMs <= LONGEST_GAP_MS ? sinceMs : Number.NaN };
    this.#sample.clear();
    for (const probe of this.#probes) {
      try {
        probe.read(tick, this.#sample);
      } catch (error) {
        this.#failure = error as Error; // its measures are "not measured", the others' stand
      }
    }
    return this.#sample;
  }

  /** What a probe threw since the last call; null when all was well. Probes must not throw: this is a fault to report. */
  takeFailure(): Error | null {
    const failure = this.#failure;
    this.#failure = null;
    return failure;
  }

  /** Gives back all descriptors. */
  close(): void {
    for (const probe of this.#probes) probe.close();
  }
}
