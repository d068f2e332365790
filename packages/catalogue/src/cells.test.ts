import { describe, expect, it } from "vitest";
import { CellWriter, MAX_STORED, readCells } from "./cells.ts";

const roundTrip = (values: (number | null)[]) => {
  const writer = new CellWriter(8);
  for (const value of values) writer.write(value);
  const out = new Float64Array(values.length);
  expect(readCells(writer.take(), out)).toBe(values.length);
  return [...out].map((n) => (Number.isNaN(n) ? null : n));
};

describe("cells", () => {
  it("keeps nulls, zero, negatives and the largest values", () => {
    const values = [null, 0, 1, -1, 63, 64, 127, 128, -12345, 2 ** 31, -(2 ** 40), MAX_STORED, -MAX_STORED, null];
    expect(roundTrip(values)).toEqual(values);
  });
  it("refuses truncated, endless and too many cells", () => {
    expect(() => readCells(Uint8Array.of(0x80), new Float64Array(1))).toThrow(/inside a varint/);
    expect(() => readCells(new Uint8Array(20).fill(0xff), new Float64Array(9))).toThrow(/longer than 8 bytes/);
    expect(() => readCells(Uint8Array.of(1, 1), new Float64Array(1))).toThrow(/more than 1/);
  });
});
