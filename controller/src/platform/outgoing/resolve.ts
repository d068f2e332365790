import { Resolver } from "node:dns/promises";
import { isIP } from "node:net";
import { AppError } from "@devflow/errors";

/** Name servers to ask instead of the system's; "127.0.0.1:5353". */
export interface ResolveOptions {
  readonly nameServers?: readonly string[] | undefined;
}

/**
 * The addresses of a host: itself when it is one, otherwise as the name servers say at this moment. Not by the system's
 * getaddrinfo, whose few threads one dead name server would take from everybody. Throws AppError unavailable without any.
 * @param host as URL.hostname gives it, so that other spellings of an address (decimal, octal) are undone
 */
export async function resolveHost(host: string, { nameServers }: ResolveOptions = {}): Promise<string[]> {
  const literal = host.replace(/^\[(.*)\]$/, "$1");
  if (isIP(literal) !== 0) return [literal];
  if (/(^|\.)localhost\.?$/.test(host)) return ["127.0.0.1", "::1"];
  // A new one each time: it reads the system's name servers once.
  const resolver = new Resolver({ timeout: 2_000, tries: 2 });
  if (nameServers !== undefined) resolver.setServers(nameServers);
  const found = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
  const addresses = found.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
  if (addresses.length === 0) {
    const [first] = found;
    throw new AppError("unavailable", `The name ${host} has no address`, {
      cause: first.status === "rejected" ? first.reason : undefined,
    });
  }
  return addresses;
}
