import { Table } from "./table.ts";

/** When a reading happens. */
export interface Tick {
  /** Seconds since the sampler started, counted in readings: 0 for the first. */
  readonly number: number;
  /** Milliseconds since the previous reading; NaN for the first one and after a long pause, so that no rate comes out. */
  readonly elapsedMs: number;
}

/** One second's values of all families. */
export class Sample {
  readonly host = new Table("host");
  readonly cpu_core = new Table("cpu_core");
  readonly filesystem = new Table("filesystem");
  readonly disk = new Table("disk");
  readonly network = new Table("network");
  readonly tables: readonly Table[] = [this.host, this.cpu_core, this.filesystem, this.disk, this.network];

  /** A number that changes with the set of listening TCP sockets; NaN until they were first walked. */
  listeners = Number.NaN;

  /** Empties every family and gives the host its one row, at 0. */
  clear(): void {
    for (const table of this.tables) table.clear();
    this.host.add("");
  }
}

/** Reads one source. Probes write natural values; Table turns them into stored integers. */
export interface Probe {
  /** Reads once and writes what it found. Must not throw for what a kernel lacks: that is "not measured". */
  read(tick: Tick, sample: Sample): void;
  /** Gives back its descriptors. */
  close(): void;
}
