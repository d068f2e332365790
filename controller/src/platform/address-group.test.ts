import { expect, it } from "vitest";
import { addressGroup } from "./address-group.ts";

it("groups IPv6 by /64 and mapped IPv4 with plain IPv4", () => {
  expect(addressGroup("::ffff:192.0.2.7")).toBe("192.0.2.7");
  expect(addressGroup("2001:db8:1:2:3:4:5:6")).toBe("2001:db8:1:2::/64");
  expect(addressGroup("2001:DB8:1:2::9")).toBe("2001:db8:1:2::/64");
  expect(addressGroup("2001:db8::9")).toBe("2001:db8:0:0::/64");
  expect(addressGroup("2001:0db8:0000::9")).toBe("2001:db8:0:0::/64");
  expect(addressGroup("::1")).toBe("0:0:0:0::/64");
});
