import { networkInterfaces } from "node:os";

/** Addresses with prefix length ("192.0.2.7/24") by interface name. The kernel has no file for them: getifaddrs. */
export function interfaceAddresses(): Map<string, string[]> {
  const byName = new Map<string, string[]>();
  for (const [name, addresses] of Object.entries(networkInterfaces())) {
    byName.set(name, (addresses ?? []).map((a) => a.cidr ?? a.address).sort());
  }
  return byName;
}
