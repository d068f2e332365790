import { expect, it } from "vitest";
import { deprecationHeaders } from "./deprecation.ts";

it("says since when, until when, and what to use", () => {
  expect(deprecationHeaders({})).toEqual([]);
  expect(deprecationHeaders({ deprecated: { since: "2027-01-01", sunset: "2027-07-01", successor: "/api/v1/things" } })).toEqual([
    ["deprecation", "@1798761600"],
    ["sunset", "Thu, 01 Jul 2027 00:00:00 GMT"],
    ["link", '</api/v1/things>; rel="successor-version"'],
  ]);
});
