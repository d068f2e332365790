import { CellWriter, readCells } from "@devflow/catalogue";

const cellsARow = 60;
const rows = 2_000;
const repeats = 20;

function nanosecondsEach(count: number, work: () => void): number {
  for (let i = 0; i < 5; i++) work();
  const start = process.hrtime.bigint();
  for (let i = 0; i < repeats; i++) work();
  return Number(process.hrtime.bigint() - start) / repeats / count;
}

/** The cell codec of FamilyRows: bytes a value and nanoseconds a value; packed doubles would take 8 bytes. */
export async function run(): Promise<{ bytesPerValue: number; readNs: number; writeNs: number }> {
  const values = Array.from({ length: cellsARow * rows }, (_, i) => Math.floor(Math.random() * (i % 10 === 0 ? 2 ** 26 : 10_000)));
  const writer = new CellWriter();
  const write = () => {
    for (const value of values) writer.write(value);
    return writer.take();
  };
  const bytes = write();
  const out = new Float64Array(values.length);
  return {
    bytesPerValue: bytes.length / values.length,
    readNs: nanosecondsEach(values.length, () => readCells(bytes, out)),
    writeNs: nanosecondsEach(values.length, write),
  };
}
