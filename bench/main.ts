// npm run bench -- NAME [--json]: one benchmark with real processes. With --json the last line is one JSON object.
import { readdirSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { format } from "node:util";

/** What bench/<name>.ts exports. */
export interface Benchmark {
  /**
   * Measures once.
   * @param options.json leave stdout to the harness's last line: progress goes to stderr
   * @returns the figures that docs/benchmarks.md names for this benchmark, plain JSON values
   */
  run(options: { readonly json: boolean }): Promise<object>;
}

/** Files in bench/ that are not benchmarks start with an underscore; the harness is main.ts. */
function benchmarkNames(): string[] {
  return readdirSync(new URL(".", import.meta.url))
    .filter((name) => /^[a-z][a-z0-9-]*\.ts$/.test(name) && name !== "main.ts")
    .map((name) => name.slice(0, -".ts".length))
    .sort();
}

/** Figures of a few digits stay readable without hiding what was measured. */
function show(value: unknown): string {
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : value.toPrecision(4);
  if (typeof value === "object" && value !== null) {
    return Object.entries(value)
      .map(([name, inner]) => `${name} ${show(inner)}`)
      .join(", ");
  }
  return String(value);
}

const names = benchmarkNames();
const args = process.argv.slice(2);
const json = args.includes("--json");
const [name, ...rest] = args.filter((arg) => arg !== "--json");
if (name === undefined || rest.length > 0 || !names.includes(name)) {
  console.error(`Usage: npm run bench -- NAME [--json]\nNAME is one of: ${names.join(", ")}`);
  process.exit(2);
}

if (json) {
  // Whatever a part prints belongs to the reader of stderr, so that stdout holds the result alone.
  console.log = console.info = (...values: unknown[]) => void process.stderr.write(`${format(...values)}\n`);
} else {
  const model = cpus()[0]?.model ?? "unknown processor";
  const memoryGib = (totalmem() / 2 ** 30).toFixed(1);
  console.log(`${cpus().length} × ${model}, ${memoryGib} GiB memory, Linux ${release()}, Node ${process.version}\n`);
}

const benchmark = (await import(new URL(`${name}.ts`, import.meta.url).href)) as Benchmark;
const figures = await benchmark.run({ json });
if (json) process.stdout.write(`${JSON.stringify(figures)}\n`);
else for (const [figure, value] of Object.entries(figures)) console.log(`${figure.padEnd(24)} ${show(value)}`);
// A benchmark that leaves a timer or socket behind must not hang whoever reads the result.
process.exit(0);
