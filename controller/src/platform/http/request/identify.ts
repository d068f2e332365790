import { AppError } from "@devflow/errors";
import { clientAddress } from "../../auth/address.ts";
import { type Auth, type Identity, type Principal, principalOf } from "../../auth/index.ts";
import { isOwnOrigin } from "../../auth/origin.ts";
import type { Call } from "./call.ts";
import { type Spent, tell } from "./limit.ts";

/** Who asks, as far as credentials tell. */
export interface Caller {
  /** Null without valid credentials. */
  readonly principal: Principal | null;
  /** The session or token behind the principal. */
  readonly identity: Identity | null;
  readonly address: string | null;
}

export type Identify = (call: Call) => Promise<Caller>;

/**
 * Makes the step that settles who asks; it prolongs a session that is due. The step throws AppError forbidden for a
 * foreign page that uses somebody's cookie.
 * @param trusted whether an address belongs to a proxy whose X-Forwarded-For is believed
 * @param spent whether an address has asked too often without valid credentials
 */
export function createIdentify(auth: Auth, publicUrl: URL | null, trusted: (address: string) => boolean, spent: Spent): Identify {
  return async (call) => {
    const headers = call.req.raw.headers;
    const address = clientAddress(call.env?.incoming?.socket.remoteAddress, headers.get("x-forwarded-for"), trusted);
    const found = await auth.authenticate(headers, { address, userAgent: headers.get("user-agent") }, () => {
      const counted = spent(address);
      if (counted !== null) tell(call, counted);
    });
    const changes = call.req.method !== "GET" && call.req.method !== "HEAD";
    // Without credentials a foreign page may not sign its visitor in either; programs send no Origin and are let through.
    if (changes && (found === null || found.viaCookie)) refuseForeignPage(call, publicUrl, found === null);
    if (found === null) return { principal: null, identity: null, address };
    for (const cookie of found.cookies) call.header("set-cookie", cookie, { append: true });
    return { principal: principalOf(found.identity, address, call.get("requestId")), identity: found.identity, address };
  };
}

/** Of routes that are answered whatever credentials come with them. */
export const nobody: Identify = async () => ({ principal: null, identity: null, address: null });

function refuseForeignPage(call: Call, publicUrl: URL | null, withoutOrigin: boolean): void {
  const headers = call.req.raw.headers;
  const origin = headers.get("origin");
  const host = headers.get("host") ?? new URL(call.req.url).host;
  if (isOwnOrigin({ origin, fetchSite: headers.get("sec-fetch-site"), host }, publicUrl, withoutOrigin)) return;
  throw new AppError(
    "forbidden",
    `This request came from another site${origin === null ? " or has no Origin header" : ` (${origin.slice(0, 200)})`}; open DevFlow itself, or use an API token`,
  );
}
