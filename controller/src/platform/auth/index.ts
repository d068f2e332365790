import { AppError } from "@devflow/errors";
import { eq } from "drizzle-orm";
import type { Context } from "../context.ts";
import { addressGroup } from "../address-group.ts";
import { addressHeader, createBetterAuth } from "./better-auth.ts";
import { createIdentityCache } from "./identity-cache.ts";
import type { Identity } from "./identity.ts";
import type { Principal } from "./principal.ts";
import { loadMembership } from "./load-access.ts";
import { sessions, users } from "./schema.ts";
import { createThrottle } from "./throttle.ts";

export type { Identity } from "./identity.ts";
export type { Principal } from "./principal.ts";
export {
  type Access,
  type Grant,
  heldPermissions,
  holds,
  holdsSomewhere,
  type Part,
  reachOf,
  roleAccess,
  roleGrant,
  rolePermissions,
  type Scope,
  strongestRole,
} from "./access.ts";
export { decide, type Demand, demandPermission } from "./decide.ts";

/** Who sends a request, apart from its credentials. */
export interface Caller {
  readonly address: string | null;
  readonly userAgent: string | null;
}

export interface SignedIn {
  readonly userId: string;
  readonly sessionId: string;
  /** Values of Set-Cookie headers. */
  readonly cookies: readonly string[];
}

/** Sessions, passwords and tokens: who somebody is. What they may do is decide()'s. */
export interface Auth {
  /**
   * The identity behind Authorization: Bearer or the session cookie; null without valid credentials.
   * @returns cookies Set-Cookie values that prolong the session
   */
  authenticate(headers: Headers, caller: Caller): Promise<{ identity: Identity; cookies: readonly string[]; viaCookie: boolean } | null>;
  /** Throws AppError unauthenticated (wrong e-mail or password: one message for both) or rate_limited. */
  signIn(email: string, password: string, caller: Caller): Promise<SignedIn>;
  /** Ends the session behind the headers' cookie. Set-Cookie values that remove it. */
  signOut(headers: Headers, identity: Identity): Promise<readonly string[]>;
  /** Ends all sessions of the user and starts one new. Throws AppError invalid when the present password is wrong. */
  changePassword(
    headers: Headers,
    identity: Identity,
    caller: Caller,
    currentPassword: string,
    newPassword: string,
  ): Promise<readonly string[]>;
  hashPassword(password: string): Promise<string>;
}

export interface AuthOptions {
  /** Looks an API token up; null when it is unknown, revoked or expired. */
  readonly findToken: (secret: string) => Promise<Identity | null>;
}

/** Principal of one request. */
export function principalOf(identity: Identity, address: string | null, requestId: string): Principal {
  const { kind, id, name, organizationId, userId, access } = identity;
  return { kind, id, name, organizationId, userId, access, address, requestId };
}

export function createAuth(ctx: Context, options: AuthOptions): Auth {
  const auth = createBetterAuth(ctx);
  const cache = createIdentityCache(() => ctx.clock.now());
  const throttle = createThrottle(() => ctx.clock.now());
  ctx.bus.on("principal.revoked", ({ kind, id }) => cache.drop(kind, id));
  ctx.bus.on("bus.resumed", () => cache.clear());

  const forBetterAuth = (caller: Caller, cookie: string | null = null) => {
    const headers = new Headers();
    if (cookie !== null) headers.set("cookie", cookie);
    if (caller.address !== null) headers.set(addressHeader, caller.address);
    if (caller.userAgent !== null) headers.set("user-agent", caller.userAgent.slice(0, 300));
    return headers;
  };

  /** better-auth keeps to itself why a look-up failed: a database that does not answer says so when it is asked here. */
  const askDatabase = async (error: unknown): Promise<never> => {
    await ctx.db.select({ id: users.id }).from(users).limit(1);
    throw error;
  };

  const bySession = async (cookie: string, caller: Caller) => {
    const { headers, response } = await auth.api
      .getSession({ headers: forBetterAuth(caller, cookie), returnHeaders: true })
      .catch(askDatabase);
    if (response === null) return null;
    const [session] = await ctx.db.select().from(sessions).where(eq(sessions.id, response.session.id));
    const membership = await loadMembership(ctx, response.user.id, session?.organizationId ?? null);
    // A user who belongs nowhere is nobody here: removed from the organisation, for example.
    if (membership === null) return null;
    const { organizationId, grants, installationAdministrator } = membership;
    const identity: Identity = {
      kind: "user",
      id: response.user.id,
      name: response.user.email,
      organizationId,
      access: { grants, bound: null, installationAdministrator },
      userId: response.user.id,
      email: response.user.email,
      sessionId: response.session.id,
      expiresAtMs: response.session.expiresAt.getTime(),
    };
    return { identity, cookies: headers.getSetCookie() };
  };

  return {
    async authenticate(headers, caller) {
      const authorization = headers.get("authorization");
      const cookie = headers.get("cookie");
      const viaCookie = authorization === null;
      const bearer = authorization === null ? null : (/^Bearer +([\x21-\x7e]{1,200})$/i.exec(authorization)?.[1] ?? "");
      if (bearer === "") return null;
      if (bearer === null && (cookie === null || !cookie.includes("devflow.session_token="))) return null;
      const credential = bearer === null ? `c${cookie}` : `t${bearer}`;
      const cached = cache.get(credential);
      if (cached !== undefined) return { identity: cached, cookies: [], viaCookie };
      const generation = cache.generation();
      const found =
        bearer === null
          ? await bySession(cookie!, caller)
          : await options.findToken(bearer).then((identity) => identity && { identity, cookies: [] });
      if (found === null) return null;
      cache.set(credential, found.identity, generation);
      return { ...found, viaCookie };
    },

    async signIn(email, password, caller) {
      const account = email.toLowerCase();
      const address = addressGroup(caller.address ?? "unknown");
      const keys = [`both:${account}|${address}`, `address:${address}`, `account:${account}`];
      const wait = throttle.waitSeconds(keys);
      if (wait > 0) {
        throw new AppError("rate_limited", `Too many wrong passwords; try again in ${Math.ceil(wait / 60)} minutes`, {
          details: { retryAfterSeconds: wait },
        });
      }
      // Counted before the password is checked, so that attempts at the same time do not slip through together.
      throttle.fail(keys);
      try {
        const { headers, response } = await auth.api.signInEmail({
          body: { email: account, password },
          headers: forBetterAuth(caller),
          returnHeaders: true,
        });
        // Only what this address tried on this account is forgiven; a right password must not wipe out guesses at others.
        throttle.succeed(keys.slice(0, 1));
        throttle.takeBack(keys.slice(1));
        const [session] = await ctx.db.select({ id: sessions.id }).from(sessions).where(eq(sessions.token, response.token));
        return { userId: response.user.id, sessionId: session?.id ?? "", cookies: headers.getSetCookie() };
      } catch (cause) {
        if (statusOf(cause) === undefined || statusOf(cause)! >= 500) return askDatabase(cause);
        throw new AppError("unauthenticated", "The e-mail or the password is wrong", { cause });
      }
    },

    async signOut(headers, identity) {
      const result = await auth.api.signOut({
        headers: forBetterAuth({ address: null, userAgent: null }, headers.get("cookie")),
        returnHeaders: true,
      });
      if (identity.sessionId !== null) ctx.bus.emit("principal.revoked", { kind: "session", id: identity.sessionId });
      return result.headers.getSetCookie();
    },

    async changePassword(headers, identity, caller, currentPassword, newPassword) {
      const keys = [`account:password:${identity.userId}`];
      const wait = throttle.waitSeconds(keys);
      if (wait > 0) throw new AppError("rate_limited", "Too many wrong passwords; wait a while", { details: { retryAfterSeconds: wait } });
      throttle.fail(keys);
      try {
        const result = await auth.api.changePassword({
          body: { currentPassword, newPassword, revokeOtherSessions: true },
          headers: forBetterAuth(caller, headers.get("cookie")),
          returnHeaders: true,
        });
        throttle.succeed(keys);
        ctx.bus.emit("principal.revoked", { kind: "user", id: identity.id });
        return result.headers.getSetCookie();
      } catch (cause) {
        if (statusOf(cause) === undefined || statusOf(cause)! >= 500) throw cause;
        throw new AppError("invalid", "The present password is wrong", {
          cause,
          details: { fields: [{ path: "currentPassword", message: "this is not your present password" }] },
        });
      }
    },

    hashPassword: async (password) => (await auth.$context).password.hash(password),
  };
}

const statusOf = (error: unknown): number | undefined =>
  typeof error === "object" && error !== null && "statusCode" in error && typeof error.statusCode === "number"
    ? error.statusCode
    : undefined;

/** Whether there is any user at all. */
export async function hasUsers(ctx: Pick<Context, "db">): Promise<boolean> {
  return (await ctx.db.select({ id: users.id }).from(users).limit(1)).length > 0;
}
