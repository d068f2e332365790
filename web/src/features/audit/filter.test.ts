import { expect, it } from "vitest";
import { filterAddress, localOf, readFilter, toQuery, utcOf } from "./filter.ts";

const none = { q: "", outcome: "", range: "", from: "", to: "" } as const;
const read = (search: string) => readFilter(new URLSearchParams(search));

it("comes back from its own address", () => {
  const filter = { q: "50% & more", outcome: "refused", range: "between", from: "2026-11-20T14:30", to: "" } as const;
  expect(read(new URL(filterAddress(filter), "http://a").search)).toEqual(filter);
  expect(filterAddress(none)).toBe("/settings/audit");
});

it("takes nothing from an address that it does not know", () => {
  expect(read("outcome=maybe&range=9y&from=soon")).toEqual(none);
});

it("asks for spans back from now, and for two times in UTC", () => {
  const nowMs = Date.parse("2026-11-20T15:00:00Z");
  expect(toQuery({ ...none, range: "24h", from: "2020-01-01T00:00" }, nowMs)).toEqual({ from: "2026-11-19T15:00:00.000Z" });
  expect(toQuery({ ...none, q: "  anna ", outcome: "done", range: "between", from: localOf("2026-11-01T08:00:00Z") }, nowMs)).toEqual({
    q: "anna",
    outcome: "done",
    from: "2026-11-01T08:00:00.000Z",
  });
  expect(utcOf("")).toBeUndefined();
});
