import { expect, test } from "vitest";
import { encodeRecord, scanRecords, type SpoolRecord } from "./record.ts";

const record = (sequence: number, size = 40): SpoolRecord => ({
  sequence,
  timeS: 1_767_225_600 + sequence * 10,
  settled: sequence % 2 === 0,
  batch: Buffer.alloc(size, sequence),
});
const file = (...sequences: number[]) => Buffer.concat(sequences.map((sequence) => encodeRecord(record(sequence))));
const size = encodeRecord(record(1)).length;
const sequences = (bytes: Buffer) => scanRecords(bytes).records.map((found) => found.sequence);

test("what was written comes back", () => {
  const scan = scanRecords(file(1, 2, 3));
  expect(scan).toMatchObject({ goodBytes: 3 * size, damaged: 0 });
  expect(scan.records.map(({ batch, ...rest }) => ({ ...rest, batch: Buffer.from(batch) }))).toEqual([1, 2, 3].map((n) => record(n)));
});

test("a record torn at any byte costs itself alone, and the cut is before it", () => {
  const bytes = file(1, 2, 3);
  for (let length = 2 * size; length < 3 * size; length++) {
    expect(scanRecords(bytes.subarray(0, length))).toMatchObject({ goodBytes: 2 * size, damaged: 0, records: { length: 2 } });
  }
});

test("a flipped bit anywhere in the middle costs that record alone and is counted", () => {
  for (let at = size; at < 2 * size; at++) {
    const bytes = file(1, 2, 3);
    bytes.writeUInt8(bytes.readUInt8(at) ^ 0x10, at);
    expect(sequences(bytes)).toEqual([1, 3]);
    expect(scanRecords(bytes).damaged).toBe(1);
  }
});

test("a batch that looks like a record inside does not confuse a scan over damage", () => {
  const nested = { ...record(2), batch: encodeRecord(record(99)).subarray(0, 50) };
  const bytes = Buffer.concat([file(1), encodeRecord(nested), file(3)]);
  bytes.writeUInt8(bytes.readUInt8(size + 9) ^ 1, size + 9);
  expect(sequences(bytes)).toEqual([1, 3]);
});

test("an empty file and a file of noise have no records", () => {
  expect(scanRecords(Buffer.alloc(0))).toEqual({ records: [], goodBytes: 0, damaged: 0 });
  expect(sequences(Buffer.from("DFR1".repeat(5_000)))).toEqual([]);
});
