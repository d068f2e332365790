import { expect, it } from "vitest";
import { parseUpdates } from "./updates.ts";

it("reads what apt-check writes for people, of all releases", () => {
  const now =
    "\nExpanded Security Maintenance for Applications is not enabled.\n\n12 updates can be applied immediately.\n5 of these updates are standard security updates.\n";
  expect(parseUpdates(now)).toEqual({ updatesPending: 12, securityUpdatesPending: 5 });
  expect(parseUpdates("1 update can be applied immediately.\n1 of these updates is a standard security update.\n")).toEqual({
    updatesPending: 1,
    securityUpdatesPending: 1,
  });
  expect(parseUpdates("3 packages can be updated.\n0 updates are security updates.\n")).toEqual({
    updatesPending: 3,
    securityUpdatesPending: 0,
  });
  expect(parseUpdates("0 updates can be applied immediately.\n")).toEqual({ updatesPending: 0 });
});

it("does not know what it cannot read", () => {
  expect(
    ["", "\n", "12 Aktualisierungen können sofort angewendet werden.\n", "see 12 updates can be applied immediately."].map(parseUpdates),
  ).toEqual([{}, {}, {}, {}]);
});
