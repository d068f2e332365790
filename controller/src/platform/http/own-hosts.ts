import { isIP } from "node:net";

export interface OwnHostsOptions {
  /** Host name of the public address; null: there is none. */
  readonly publicHost: string | null;
  /** Further names, as the administrator gave them. */
  readonly allowed: readonly string[];
  /** This machine's own name. */
  readonly machine: string;
}

/**
 * Makes the test whether a Host header names this controller. A page of another site can have its own name lead to this
 * machine (DNS rebinding), and then no origin check helps, since for the browser both are one site. What it cannot have
 * is an address, a name without a dot, or localhost; every other name has to be known.
 */
export function createOwnHosts({ publicHost, allowed, machine }: OwnHostsOptions): (hostname: string) => boolean {
  const known = new Set([publicHost ?? "", machine, ...allowed].map((name) => plain(name)).filter(Boolean));
  return (hostname) => {
    const name = plain(hostname);
    return !name.includes(".") || name.endsWith(".localhost") || isIP(name) !== 0 || known.has(name);
  };
}

const plain = (name: string): string =>
  name
    .toLowerCase()
    .replace(/\.$/, "")
    .replaceAll(/^\[|\]$/g, "");
