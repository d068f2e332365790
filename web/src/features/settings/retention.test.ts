import { expect, it } from "vitest";
import { shortened } from "./retention.ts";

it("tells what would be kept for a shorter time", () => {
  const before = { tenSecondDays: 14, minuteDays: 90, hourDays: 730, events: 90, audit: 365 };
  expect(shortened(before, before)).toEqual([]);
  expect(shortened(before, { ...before, tenSecondDays: 20, audit: 30, events: 89 })).toEqual([
    { label: "Events", before: 90, after: 89 },
    { label: "Audit log", before: 365, after: 30 },
  ]);
});
