import { create } from "@bufbuild/protobuf";
import { SpoolReportSchema } from "@devflow/proto/session/v1/session";
import { expect, it } from "vitest";
import { createWarnings } from "./warnings.ts";

const hour = 3_600_000;

const watched = () => {
  const said: [string, string | null][] = [];
  const clock = { ms: 0 };
  const warnings = createWarnings(
    (code, message) => said.push([code, message]),
    () => clock.ms,
  );
  return { said, clock, warnings };
};
const report = (dropped: bigint, error = "") => create(SpoolReportSchema, { dropped, error });

it("says each change once", () => {
  const { said, warnings } = watched();
  warnings.clock(29_000);
  warnings.clock(-3 * hour);
  warnings.clock(-3 * hour);
  warnings.clock(100);
  expect(said.map(([code, message]) => [code, message?.slice(0, 37) ?? null])).toEqual([
    ["clock_off", null],
    ["clock_off", "The server's clock is 3 hours behind."],
    ["clock_off", null],
  ]);
});

it("says the first refused batch at once, the next ones by the minute, and takes it back after a quiet hour", () => {
  const { said, clock, warnings } = watched();
  for (let i = 0; i < 5; i++) warnings.rejected("in future");
  expect(said).toEqual([["batches_rejected", expect.stringMatching(/^1 batch .*in future/)]]);
  warnings.tick();
  expect(said.at(-1)).toEqual(["batches_rejected", expect.stringMatching(/^5 batches/)]);
  clock.ms = hour - 1;
  warnings.tick();
  expect(said).toHaveLength(2);
  clock.ms = hour;
  warnings.tick();
  expect(said).toContainEqual(["batches_rejected", null]);
});

it("tells of more dropped batches, and of a spool that cannot be written while it lasts", () => {
  const { said, warnings } = watched();
  warnings.spool(report(0n, "ENOSPC"));
  warnings.spool(report(3n));
  warnings.spool(report(3n));
  expect(said.map(([code, message]) => [code, message === null])).toEqual([
    ["spool_error", false],
    ["spool_error", true],
    ["spool_dropped", false],
  ]);
});

it("says nothing of batches that were dropped before an earlier session told of them", () => {
  const said: string[] = [];
  const told: number[] = [];
  const warnings = createWarnings(
    (code) => said.push(code),
    () => 0,
    { dropped: 3, warned: null },
    (count) => told.push(count),
  );
  warnings.spool(report(3n));
  expect([said, told]).toEqual([["spool_error"], []]);
  warnings.spool(report(4n));
  expect([said, told]).toEqual([["spool_error", "spool_dropped"], [4]]);
});

it("takes back what an earlier session left, after an hour without a new cause", () => {
  const { said, clock, warnings } = watched();
  clock.ms = hour;
  warnings.tick();
  expect(said).toEqual([
    ["spool_dropped", null],
    ["batches_rejected", null],
    ["cloned", null],
  ]);
});

it("takes back at a new connection what stands from an earlier one, and nothing that does not", () => {
  for (const [warned, taken] of [
    [["clock_off", "cloned"], [["clock_off", null]]],
    [["cloned"], []],
  ] as const) {
    const said: unknown[] = [];
    const warnings = createWarnings(
      (...what) => said.push(what),
      () => 0,
      { dropped: 0, warned },
    );
    warnings.clock(100);
    expect(said).toEqual(taken);
    warnings.clock(hour);
    expect(said).toHaveLength(taken.length + 1);
  }
});
