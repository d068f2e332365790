import { countProcesses } from "../../../host/processes.ts";
import type { Probe, Sample, Tick } from "../probe.ts";
import { places } from "../table.ts";

const HOST = places("host", ["processes"]);

/** Listing /proc costs 60 µs a hundred processes, so it is done in every tenth second. */
const EVERY_SECONDS = 10;

/** Number of processes. */
export class ProcessesProbe implements Probe {
  readonly #root: string;
  #count: number | null = null;

  constructor(root: string) {
    this.#root = root;
  }

  read({ number }: Tick, { host }: Sample): void {
    if (number % EVERY_SECONDS === 0) this.#count = countProcesses(this.#root);
    if (this.#count !== null) host.set(0, HOST.processes, this.#count);
  }

  close(): void {}
}
