import { addressGroup } from "../address-group.ts";

export interface AddressLimitOptions {
  /** All connections together. */
  readonly total: number;
  /** Of one address (IPv4) or one /64 (IPv6) that have not proved an identity yet. */
  readonly unprovenPerAddress: number;
  /** Of one address or /64, proven ones included; wide, since a whole site may sit behind one address. */
  readonly perAddress: number;
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
