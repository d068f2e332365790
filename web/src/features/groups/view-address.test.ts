import { expect, it } from "vitest";
import { readView, sameQuery, viewAddress } from "./view-address.ts";

it("leads to a view and reads it back", () => {
  const query = { q: 'tag:a group:"Web & more" cpu>80', sort: "-cpu", by: "group" } as const;
  const address = viewAddress(query);
  expect(readView(new URL(address, "http://x").searchParams)).toEqual(query);
  expect(viewAddress({})).toBe("/servers?all=1");
});
it("takes nothing else from the address", () => {
  expect(readView(new URLSearchParams("q=&sort=cpu&view=wild&by=moon&all=1&x=1"))).toEqual({ sort: "cpu" });
  expect(sameQuery({ q: "a" }, { q: " a " })).toBe(true);
  expect(sameQuery({ q: "a" }, { q: "a", sort: "cpu" })).toBe(false);
});
