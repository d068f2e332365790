import { TextFile } from "../../../host/text-file.ts";
import type { Probe, Sample, Tick } from "../probe.ts";
import { places } from "../table.ts";

const HOST = places("host", ["load_1", "load_5", "load_15", "threads", "uptime", "open_files"]);

/** Parses /proc/loadavg: "0.07 0.04 0.05 1/215 8202". */
export function parseLoadavg(text: string): { loads: [number, number, number]; threads: number } {
  const parts = text.split(" ");
  const tasks = parts[3] ?? "";
  return {
    loads: [Number(parts[0] || "NaN"), Number(parts[1] || "NaN"), Number(parts[2] || "NaN")],
    threads: Number(tasks.slice(tasks.indexOf("/") + 1) || "NaN"),
  };
}

/** The number that a text begins with; NaN when there is none. */
export const leadingNumber = (text: string | null): number => (text === null ? Number.NaN : Number.parseFloat(text));

/** Load averages, threads, uptime and open files. */
export class LoadProbe implements Probe {
  readonly #loadavg: TextFile;
  readonly #uptime: TextFile;
  readonly #fileNr: TextFile;

  constructor(root: string) {
    this.#loadavg = new TextFile(`${root}/proc/loadavg`);
    this.#uptime = new TextFile(`${root}/proc/uptime`);
    this.#fileNr = new TextFile(`${root}/proc/sys/fs/file-nr`);
  }

  read(_tick: Tick, { host }: Sample): void {
    const text = this.#loadavg.read();
    if (text !== null) {
      const { loads, threads } = parseLoadavg(text);
      host.set(0, HOST.load_1, loads[0]);
      host.set(0, HOST.load_5, loads[1]);
      host.set(0, HOST.load_15, loads[2]);
      host.set(0, HOST.threads, threads);
    }
    host.set(0, HOST.uptime, leadingNumber(this.#uptime.read()));
    host.set(0, HOST.open_files, leadingNumber(this.#fileNr.read()));
  }

  close(): void {
    this.#loadavg.close();
    this.#uptime.close();
    this.#fileNr.close();
  }
}
