import { TextFile } from "../../../host/text-file.ts";
import { growth } from "../counters.ts";
import type { Probe, Sample, Tick } from "../probe.ts";
import { places } from "../table.ts";

const HOST = places("host", ["psi_cpu_some", "psi_memory_some", "psi_memory_full", "psi_io_some", "psi_io_full"]);

/** Stall time since boot in microseconds; NaN where the line is missing. */
export interface Stall {
  readonly some: number;
  readonly full: number;
}

/** Parses a file of /proc/pressure (Documentation/accounting/psi.rst): "some avg10=… total=N\nfull …". */
export function parsePressure(text: string): Stall {
  const total = (at: number): number => {
    if (at === -1) return Number.NaN;
    const value = text.indexOf("total=", at);
    return value === -1 ? Number.NaN : Number.parseInt(text.slice(value + 6, value + 26), 10);
  };
  return { some: total(text.indexOf("some ")), full: total(text.indexOf("full ")) };
}

const NOTHING: Stall = { some: Number.NaN, full: Number.NaN };

/** Percentage of the time between two readings; the kernel's clock and ours differ a little, hence the bound. */
const share = (before: number, now: number, elapsedMs: number): number => Math.min(100, growth(before, now) / (elapsedMs * 10));

/** Pressure stall information. Kernels before 4.20, or booted without psi=1, have none. */
export class PsiProbe implements Probe {
  readonly #files: readonly TextFile[];
  readonly #before: Stall[] = [NOTHING, NOTHING, NOTHING];
  readonly #some = [HOST.psi_cpu_some, HOST.psi_memory_some, HOST.psi_io_some];
  readonly #full = [-1, HOST.psi_memory_full, HOST.psi_io_full];

  constructor(root: string) {
    this.#files = ["cpu", "memory", "io"].map((name) => new TextFile(`${root}/proc/pressure/${name}`));
  }

  read({ elapsedMs }: Tick, { host }: Sample): void {
    for (let i = 0; i < this.#files.length; i++) {
      const text = (this.#files[i] as TextFile).read();
      const before = this.#before[i] as Stall;
      const now = text === null ? NOTHING : parsePressure(text);
      this.#before[i] = now;
      host.set(0, this.#some[i] as number, share(before.some, now.some, elapsedMs));
      const full = this.#full[i] as number;
      if (full !== -1) host.set(0, full, share(before.full, now.full, elapsedMs));
    }
  }

  close(): void {
    for (const file of this.#files) file.close();
  }
}
