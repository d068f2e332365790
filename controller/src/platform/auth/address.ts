import { BlockList, isIP } from "node:net";

/** Makes the test whether an address belongs to a trusted proxy. Throws Error for what is no address or CIDR block. */
export function trustedProxies(list: readonly string[]): (address: string) => boolean {
  const blocks = new BlockList();
  for (const entry of list) {
    const [address = "", bits] = entry.split("/");
    const family = isIP(address);
    const prefix = bits === undefined ? (family === 4 ? 32 : 128) : Number(bits);
    if (family === 0 || !Number.isInteger(prefix) || prefix < 0 || prefix > (family === 4 ? 32 : 128)) {
      throw new Error(`Settings are wrong:\n  DEVFLOW_TRUSTED_PROXIES: expected addresses or CIDR blocks such as 10.0.0.0/8, got ${entry}`);
    }
    blocks.addSubnet(address, prefix, family === 4 ? "ipv4" : "ipv6");
  }
  return (address) => {
    const family = isIP(address);
    return family !== 0 && blocks.check(address, family === 4 ? "ipv4" : "ipv6");
  };
}

/** IPv4 in IPv6 as plain IPv4. */
export const plainAddress = (address: string) => (/^::ffff:\d+\.\d+\.\d+\.\d+$/i.test(address) ? address.slice(7) : address);

/**
 * Address of the client: the peer, or, when the peer is a trusted proxy, the last address of X-Forwarded-For that is
 * not one. What a client itself put further left is never believed.
 */
export function clientAddress(peer: string | undefined, forwardedFor: string | null, trusted: (address: string) => boolean): string | null {
  if (peer === undefined) return null;
  let address = plainAddress(peer);
  const hops = (forwardedFor ?? "")
    .split(",")
    .map((hop) => plainAddress(hop.trim()))
    .filter(Boolean);
  while (trusted(address)) {
    const next = hops.pop();
    if (next === undefined || isIP(next) === 0) break;
    address = next;
  }
  return address;
}
