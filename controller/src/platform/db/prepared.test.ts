import { describe, expect, it } from "vitest";
import { createRecurring } from "./prepared.ts";

describe("statements that recur", () => {
  it("are those asked for a second time", () => {
    const recurs = createRecurring();
    expect([recurs("select 1"), recurs("select 2"), recurs("select 1"), recurs("select 1")]).toEqual([false, false, true, true]);
  });

  it("are bounded in number and length", () => {
    const recurs = createRecurring({ prepared: 2, seen: 3 });
    for (const text of ["a", "a", "b", "b", "c"]) recurs(text);
    expect(["a", "b", "c"].map(recurs)).toEqual([true, true, false]);
    const long = "x".repeat(5_000);
    const other = createRecurring();
    expect([other(long), other(long)]).toEqual([false, false]);
  });

  it("forget what was asked once when too many were", () => {
    const recurs = createRecurring({ prepared: 10, seen: 2 });
    for (const text of ["a", "b", "c"]) recurs(text);
    expect([recurs("a"), recurs("c")]).toEqual([false, true]);
  });
});
