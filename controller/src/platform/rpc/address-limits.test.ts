import { expect, it } from "vitest";
import { createAddressLimits } from "./address-limits.ts";

it("limits those without a proven identity by address, and all by total", () => {
  const limits = createAddressLimits({ total: 4, unprovenPerAddress: 2, perAddress: 3 });
  const a = limits.admit("192.0.2.1");
  const b = limits.admit("192.0.2.1");
  expect(limits.admit("192.0.2.1")).toBeNull();
  a?.proven();
  const c = limits.admit("::ffff:192.0.2.1");
  expect(c).not.toBeNull();
  c?.proven();
  expect(limits.admit("192.0.2.1"), "three of one address").toBeNull();
  expect(limits.admit("192.0.2.2")).not.toBeNull();
  expect(limits.admit("192.0.2.3"), "four in all").toBeNull();
  b?.released();
  b?.released();
  expect(limits.total).toBe(3);
  expect(limits.admit("192.0.2.3")).not.toBeNull();
});
