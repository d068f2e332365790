import { describe, expect, it } from "vitest";
import { isPublicAddress, isWithin } from "./addresses.ts";

describe("isPublicAddress", () => {
  it.each([
    ["0.0.0.0", "unspecified"],
    ["0.1.2.3", "this network"],
    ["127.0.0.1", "loopback"],
    ["127.255.255.254", "loopback"],
    ["10.1.2.3", "private"],
    ["172.16.0.1", "private"],
    ["172.31.255.255", "private"],
    ["192.168.1.1", "private"],
    ["169.254.169.254", "metadata"],
    ["100.64.0.1", "CGNAT"],
    ["100.100.100.200", "metadata of Alibaba"],
    ["192.0.0.192", "metadata of Oracle"],
    ["168.63.129.16", "Azure's inside"],
    ["192.0.2.1", "documentation"],
    ["198.18.0.1", "benchmarks"],
    ["198.51.100.1", "documentation"],
    ["203.0.113.1", "documentation"],
    ["224.0.0.1", "multicast"],
    ["240.0.0.1", "reserved"],
    ["255.255.255.255", "broadcast"],
    ["::", "unspecified"],
    ["::1", "loopback"],
    ["::127.0.0.1", "IPv4-compatible"],
    ["::ffff:127.0.0.1", "mapped"],
    ["::ffff:7f00:1", "mapped"],
    ["::ffff:169.254.169.254", "mapped"],
    ["::ffff:0:127.0.0.1", "translated"],
    ["64:ff9b::7f00:1", "NAT64"],
    ["64:ff9b:1::7f00:1", "local NAT64"],
    ["2002:7f00:1::", "6to4"],
    ["2001::1", "Teredo"],
    ["2001:db8::1", "documentation"],
    ["100::1", "discard"],
    ["fc00::1", "unique local"],
    ["fd00:ec2::254", "metadata of AWS"],
    ["fe80::1", "link-local"],
    ["fec0::1", "site-local"],
    ["ff02::1", "multicast"],
    ["4000::1", "not given out"],
    ["localhost", "no address"],
    ["", "no address"],
  ])("refuses %s (%s)", (address) => expect(isPublicAddress(address)).toBe(false));

  it.each([
    "1.1.1.1",
    "8.8.8.8",
    "100.63.255.255",
    "100.128.0.1",
    "172.15.0.1",
    "172.32.0.1",
    "::ffff:1.1.1.1",
    "2606:4700::1111",
    "2a01:4f8::1",
  ])("takes %s", (address) => expect(isPublicAddress(address)).toBe(true));
});

describe("isWithin", () => {
  it("knows both families, and mapped addresses by what they map", () => {
    const ranges = ["10.0.0.0/8", "fd12::/16"];
    expect(["10.9.8.7", "::ffff:10.0.0.1", "fd12::1"].map((a) => isWithin(a, ranges))).toEqual([true, true, true]);
    expect(["11.0.0.1", "fd13::1", "::a00:1", "nonsense"].map((a) => isWithin(a, ranges))).toEqual([false, false, false, false]);
    expect(isWithin("127.0.0.1", [])).toBe(false);
  });
});
