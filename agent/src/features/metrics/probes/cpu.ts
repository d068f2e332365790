import { TextFile } from "../../../host/text-file.ts";
import { Counters, growth } from "../counters.ts";
import type { Probe, Sample, Tick } from "../probe.ts";
import { places, type Table } from "../table.ts";

/** Columns of a cpu line: user nice system idle iowait irq softirq steal. Guest time is inside user and nice. */
const TIMES = 8;

const HOST = places("host", [
  "cpu_busy",
  "cpu_user",
  "cpu_system",
  "cpu_iowait",
  "cpu_irq",
  "cpu_steal",
  "processes_running",
  "processes_blocked",
  "context_switches",
  "forks",
]);
const CORE = places("cpu_core", ["busy", "user", "system", "iowait", "steal"]);

/** One reading of /proc/stat. */
export interface Stat {
  /** Clock ticks of all CPUs ("cpu") and of each ("cpu0", …). Columns that an old kernel lacks hold NaN. */
  readonly times: Counters;
  contextSwitches: number;
  forks: number;
  running: number;
  blocked: number;
}

export const emptyStat = (): Stat => ({
  times: new Counters(TIMES),
  contextSwitches: Number.NaN,
  forks: Number.NaN,
  running: Number.NaN,
  blocked: Number.NaN,
});

function field(text: string, key: string): number {
  const at = text.indexOf(key);
  return at === -1 ? Number.NaN : Number.parseInt(text.slice(at + key.length, at + key.length + 20), 10);
}

/** Parses /proc/stat (proc_stat(5)) into `into`. */
export function parseStat(text: string, into: Stat): void {
  const { times } = into;
  times.clear();
  let at = 0;
  while (text.startsWith("cpu", at)) {
    let end = text.indexOf("\n", at);
    if (end === -1) end = text.length;
    const parts = text.slice(at, end).split(" ");
    // "cpu  1 2" has two blanks, "cpu0 1 2" one.
    const first = parts[1] === "" ? 2 : 1;
    const row = times.add(parts[0] as string);
    const columns = Math.min(TIMES, parts.length - first);
    for (let i = 0; i < columns; i++) times.values[row + i] = Number(parts[first + i]);
    at = end + 1;
  }
  const rest = text.slice(Math.max(0, text.indexOf("\nctxt ", at - 1)));
  into.contextSwitches = field(rest, "\nctxt ");
  into.forks = field(rest, "\nprocesses ");
  into.running = field(rest, "\nprocs_running ");
  into.blocked = field(rest, "\nprocs_blocked ");
}

/** A column's growth; iowait may run backwards by a little on idle kernels, which is no growth. */
const ticks = (before: Counters, b: number, now: Counters, n: number, column: number): number =>
  growth(before.values[b + column] as number, now.values[n + column] as number);

const known = (value: number): number => (value > 0 ? value : 0);

/** Percentages of one CPU between two readings; false when it was reset or no time passed. */
export function cpuShares(before: Counters, b: number, now: Counters, n: number, out: Float64Array): boolean {
  const user = ticks(before, b, now, n, 0) + ticks(before, b, now, n, 1);
  const system = ticks(before, b, now, n, 2);
  const idle = ticks(before, b, now, n, 3);
  if (Number.isNaN(user + system + idle)) return false;
  const iowait = now.values[n + 4] as number;
  const wait = Number.isNaN(iowait) ? Number.NaN : known(ticks(before, b, now, n, 4));
  const irq = ticks(before, b, now, n, 5) + ticks(before, b, now, n, 6);
  const steal = ticks(before, b, now, n, 7);
  const busy = user + system + known(irq) + known(steal);
  const total = busy + idle + known(wait);
  if (total <= 0) return false;
  const scale = 100 / total;
  out[0] = busy * scale;
  out[1] = user * scale;
  out[2] = system * scale;
  out[3] = wait * scale;
  out[4] = irq * scale;
  out[5] = steal * scale;
  return true;
}

/** CPU time by mode, of the host and of each core, and the counters that share /proc/stat. */
export class CpuProbe implements Probe {
  readonly #file: TextFile;
  #now = emptyStat();
  #before = emptyStat();
  readonly #shares = new Float64Array(6);

  constructor(root: string) {
    this.#file = new TextFile(`${root}/proc/stat`);
  }

  read({ elapsedMs }: Tick, { host, cpu_core: cores }: Sample): void {
    const text = this.#file.read();
    const before = this.#now;
    const now = this.#before;
    this.#before = before;
    this.#now = now;
    if (text === null) return now.times.clear();
    parseStat(text, now);
    for (let row = 0; row < now.times.names.length; row++) {
      const name = now.times.names[row] as string;
      const b = before.times.find(name, row);
      const measured = b !== -1 && elapsedMs > 0 && cpuShares(before.times, b, now.times, row * TIMES, this.#shares);
      if (name === "cpu") {
        if (measured) this.#writeHost(host);
      } else {
        const at = cores.add(name.slice(3));
        if (at === -1) break;
        if (measured) this.#writeCore(cores, at);
      }
    }
    host.set(0, HOST.processes_running, now.running);
    host.set(0, HOST.processes_blocked, now.blocked);
    host.set(0, HOST.context_switches, (growth(before.contextSwitches, now.contextSwitches) * 1000) / elapsedMs);
    host.set(0, HOST.forks, (growth(before.forks, now.forks, 1e6) * 1000) / elapsedMs);
  }

  close(): void {
    this.#file.close();
  }

  #writeHost(host: Table): void {
    const s = this.#shares;
    host.set(0, HOST.cpu_busy, s[0] as number);
    host.set(0, HOST.cpu_user, s[1] as number);
    host.set(0, HOST.cpu_system, s[2] as number);
    host.set(0, HOST.cpu_iowait, s[3] as number);
    host.set(0, HOST.cpu_irq, s[4] as number);
    host.set(0, HOST.cpu_steal, s[5] as number);
  }

  #writeCore(cores: Table, at: number): void {
    const s = this.#shares;
    cores.set(at, CORE.busy, s[0] as number);
    cores.set(at, CORE.user, s[1] as number);
    cores.set(at, CORE.system, (s[2] as number) + known(s[4] as number));
    cores.set(at, CORE.iowait, s[3] as number);
    cores.set(at, CORE.steal, s[5] as number);
  }
}
