import ipaddr from "ipaddr.js";

/** Public by its number and yet a cloud's inside: Azure's own service for each of its machines. */
const inside = ["168.63.129.16"];

/**
 * Whether an address is a public one: not loopback, private, link-local (where clouds keep their metadata), shared
 * (CGNAT), multicast, reserved, documentation, unspecified, nor a wrapping of IPv4 into IPv6. Ranges as IANA registers
 * them, by ipaddr.js; of IPv6 only 2000::/3 is given out at all.
 * @param address IPv4 or IPv6; an IPv4-mapped one counts as what it maps
 */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address);
  if (parsed.range() !== "unicast" || inside.includes(parsed.toString())) return false;
  return parsed.kind() === "ipv4" || ((parsed as ipaddr.IPv6).parts[0]! & 0xe000) === 0x2000;
}

/** Whether an address is in one of the ranges, CIDR. */
export function isWithin(address: string, ranges: readonly string[]): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address);
  return ranges.some((range) => {
    const [network, bits] = ipaddr.parseCIDR(range);
    return network.kind() === parsed.kind() && parsed.match(network, bits);
  });
}
