import { expect, it } from "vitest";
import { addressGroup, createAddressLimits } from "./address-limits.ts";

it("groups IPv6 by /64 and mapped IPv4 with plain IPv4", () => {
  expect(addressGroup("::ffff:192.0.2.7")).toBe("192.0.2.7");
  expect(addressGroup("2001:db8:1:2:3:4:5:6")).toBe("2001:db8:1:2::/64");
  expect(addressGroup("2001:DB8:1:2::9")).toBe("2001:db8:1:2::/64");
  expect(addressGroup("2001:db8::9")).toBe("2001:db8:0:0::/64");
  expect(addressGroup("2001:0db8:0000::9")).toBe("2001:db8:0:0::/64");
  expect(addressGroup("::1")).toBe("0:0:0:0::/64");
});

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
