import { expect, it } from "vitest";
import { MAX_INSTANCES, places, Table } from "./table.ts";

const HOST = places("host", ["cpu_busy", "context_switches", "memory_total"]);

it("stores multiples of the step and never what is negative, NaN or infinite", () => {
  const table = new Table("host");
  const row = table.add("");
  const stored = (natural: number): number => {
    table.clear();
    table.add("");
    table.set(row, HOST.cpu_busy, natural);
    return table.cells[HOST.cpu_busy] as number;
  };
  expect([12.345, 0, 100].map(stored)).toEqual([1235, 0, 10_000]);
  expect([-1, Number.NaN, Infinity, -Infinity].map(stored)).toEqual([Number.NaN, Number.NaN, Number.NaN, Number.NaN]);
});

it("bounds what a column cannot hold", () => {
  const table = new Table("host");
  table.add("");
  table.set(0, HOST.context_switches, 1e12);
  table.set(0, HOST.memory_total, 1e18);
  expect(table.cells[HOST.context_switches]).toBe(2 ** 31 - 1);
  expect(table.cells[HOST.memory_total]).toBe(Math.round(1e18 / 1024));
});

it("takes as many rows and bytes of a name as the wire does", () => {
  const table = new Table("disk");
  expect(table.add("é".repeat(128))).toBe(-1);
  for (let i = 0; i < MAX_INSTANCES; i++) expect(table.add(`d${i}`)).toBe(i * table.width);
  expect(table.add("one-more")).toBe(-1);
});

it("refuses measures that the catalogue does not have", () => {
  expect(() => places("host", ["cpu_bsy"])).toThrow(/host.cpu_bsy/);
});
