import { isIPv6 } from "node:net";

export interface AddressLimitOptions {
  /** All connections together. */
  readonly total: number;
  /** Of one address (IPv4) or one /64 (IPv6) that have not proved an identity yet. */
  readonly unprovenPerAddress: number;
  /** Of one address or /64, proven ones included; wide, since a whole site may sit behind one address. */
  readonly perAddress: number;
}

/** The part of an address that one holder cannot change at will. */
export function addressGroup(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped !== null) return mapped[1] as string;
  if (!isIPv6(address)) return address;
  const [head, tail] = address.replace(/%.*/, "").split("::") as [string, string?];
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const full = tail === undefined ? left : [...left, ...Array<string>(Math.max(0, 8 - left.length - right.length)).fill("0"), ...right];
  return `${full
    .slice(0, 4)
    .map((part) => part.toLowerCase().replace(/^0+(?=.)/, ""))
    .join(":")}::/64`;
}

/** Counts connections by address group. */
export function createAddressLimits(options: AddressLimitOptions) {
  const groups = new Map<string, { unproven: number; proven: number }>();
  let total = 0;

  return {
    get total() {
      return total;
    },
    /** Returns null when a limit is reached, else the connection's ticket: call proven() once, released() at the end. */
    admit(address: string): { proven: () => void; released: () => void } | null {
      const key = addressGroup(address);
      const group = groups.get(key) ?? { unproven: 0, proven: 0 };
      if (total >= options.total || group.unproven >= options.unprovenPerAddress || group.unproven + group.proven >= options.perAddress)
        return null;
      groups.set(key, group);
      group.unproven++;
      total++;
      let state: "unproven" | "proven" | "gone" = "unproven";
      return {
        proven() {
          if (state !== "unproven") return;
          state = "proven";
          group.unproven--;
          group.proven++;
        },
        released() {
          if (state === "gone") return;
          group[state]--;
          state = "gone";
          total--;
          if (group.unproven + group.proven === 0) groups.delete(key);
        },
      };
    },
  };
}
