import { hash } from "node:crypto";
import { AppError } from "@devflow/errors";
import { and, eq, isNull, lt, or } from "drizzle-orm";
import type { Context } from "../context.ts";
import { createAttempts, guessLimits } from "./attempts.ts";
import { addressHeader, createBetterAuth } from "./better-auth.ts";
import { createIdentityCache } from "./identity-cache.ts";
import type { Caller } from "./caller.ts";
import type { Identity } from "./identity.ts";
import type { Principal } from "./principal.ts";
import { loadSessionMembership } from "./load-access.ts";
import { hashPassword, verifyPassword } from "./password.ts";
import { accounts, sessions, users } from "./schema.ts";
import { createThrottle } from "../limits/index.ts";
import { createRecentSet } from "../recent-set.ts";

export type { Caller } from "./caller.ts";
export type { Identity } from "./identity.ts";
export type { Principal } from "./principal.ts";
export {
  type Access,
  type Grant,
  heldInParts,
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
   * @param beforeLookUp called before the database is asked for credentials that were not good within the last hour; may throw
   * @returns cookies Set-Cookie values that prolong the session
   */
  authenticate(
    headers: Headers,
    caller: Caller,
    beforeLookUp?: () => void,
  ): Promise<{ identity: Identity; cookies: readonly string[]; viaCookie: boolean } | null>;
  /**
   * Runs one guess at an account's password, code or key, counted against the account and the caller's address. Throws
   * AppError rate_limited after too many; a guess is wrong when `work` throws AppError unauthenticated or invalid.
   * @param account whose it is, as far as the guesser tells: an e-mail, "totp:USER"
   */
  attempt<T>(account: string, caller: Caller, work: () => Promise<T>): Promise<T>;
  /**
   * The user with that e-mail and password. Throws AppError unauthenticated (one message, and one time, for a wrong
   * password and an unknown e-mail) or rate_limited.
   */
  checkPassword(email: string, password: string, caller: Caller): Promise<{ userId: string; email: string }>;
  /** Begins a session for somebody who proved who they are; it counts as confirmed. */
  beginSession(userId: string, caller: Caller): Promise<SignedIn>;
  /** Ends the session behind the headers' cookie. Set-Cookie values that remove it. */
  signOut(headers: Headers, identity: Identity): Promise<readonly string[]>;
  hashPassword(password: string): Promise<string>;
}

export interface AuthOptions {
  /**
   * Looks an API token up; null when it is unknown, revoked or expired.
   * @param beforeLookUp to be called before the database is asked; may throw
   */
  readonly findToken: (secret: string, caller: Caller, beforeLookUp: () => void) => Promise<Identity | null>;
}

const lastUsedEveryMs = 5 * 60_000;

/** Principal of one request. */
export function principalOf(identity: Identity, address: string | null, requestId: string): Principal {
  const { kind, id, name, organizationId, userId, access } = identity;
  return { kind, id, name, organizationId, userId, access, address, requestId };
}

export function createAuth(ctx: Context, options: AuthOptions): Auth {
  const auth = createBetterAuth(ctx);
  const cache = createIdentityCache(() => ctx.clock.now());
  const lately = createRecentSet({ now: () => ctx.clock.now(), keepMs: 3_600_000, maxEntries: 20_000 });
  const attempt = createAttempts(createThrottle(ctx, guessLimits));
  let nobody: Promise<string> | undefined;
  const nobodysHash = () => (nobody ??= hashPassword("nobody's"));
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

  /** Once in some minutes, beside the request. */
  const noteUse = (sessionId: string, caller: Caller) => {
    const now = ctx.clock.now();
    const due = or(isNull(sessions.lastUsedAt), lt(sessions.lastUsedAt, new Date(now - lastUsedEveryMs)));
    ctx.db
      .update(sessions)
      .set({ lastUsedAt: new Date(now), lastUsedAddress: caller.address })
      .where(and(eq(sessions.id, sessionId), due))
      .catch((error: unknown) => ctx.log.warn({ scope: "auth", err: error }, "could not note that a session was used"));
  };

  const bySession = async (cookie: string, caller: Caller) => {
    const { headers, response } = await auth.api
      .getSession({ headers: forBetterAuth(caller, cookie), returnHeaders: true })
      .catch(askDatabase);
    if (response === null) return null;
    const membership = await loadSessionMembership(ctx, response.user.id, response.session.id);
    // A user who belongs nowhere is nobody here: removed from the organisation, for example, or disabled.
    if (membership === null) return null;
    const { organizationId, grants, installationAdministrator, confirmedAtMs, lastUsedAtMs } = membership;
    if ((lastUsedAtMs ?? 0) < ctx.clock.now() - lastUsedEveryMs) noteUse(response.session.id, caller);
    const identity: Identity = {
      kind: "user",
      id: response.user.id,
      name: response.user.email,
      organizationId,
      access: { grants, bound: null, installationAdministrator },
      userId: response.user.id,
      email: response.user.email,
      sessionId: response.session.id,
      confirmedAtMs,
      expiresAtMs: response.session.expiresAt.getTime(),
    };
    return { identity, cookies: headers.getSetCookie() };
  };

  return {
    async authenticate(headers, caller, beforeLookUp) {
      const authorization = headers.get("authorization");
      const cookie = headers.get("cookie");
      const viaCookie = authorization === null;
      const bearer = authorization === null ? null : (/^Bearer +([\x21-\x7e]{1,200})$/i.exec(authorization)?.[1] ?? "");
      if (bearer === "") return null;
      if (bearer === null && (cookie === null || !cookie.includes("devflow.session_token="))) return null;
      const credential = bearer === null ? `c${cookie}` : `t${bearer}`;
      const cached = cache.get(credential);
      if (cached !== undefined) return { identity: cached, cookies: [], viaCookie };
      const mark = hash("sha256", credential, "base64url");
      // Whoever shares an address with somebody who makes tokens up goes on.
      const ask = () => {
        if (!lately.has(mark)) beforeLookUp?.();
      };
      if (bearer === null) ask();
      const generation = cache.generation();
      const found =
        bearer === null
          ? await bySession(cookie!, caller)
          : await options.findToken(bearer, caller, ask).then((identity) => identity && { identity, cookies: [] });
      if (found === null) return null;
      cache.set(credential, found.identity, generation);
      lately.add(mark);
      return { ...found, viaCookie };
    },

    attempt,

    async checkPassword(email, password, caller) {
      const account = email.toLowerCase();
      return attempt(account, caller, async () => {
        const [found] = await ctx.db
          .select({ userId: users.id, hash: accounts.password })
          .from(users)
          .innerJoin(accounts, and(eq(accounts.userId, users.id), eq(accounts.providerId, "credential")))
          .where(eq(users.email, account));
        // Somebody unknown costs the same time as a wrong password.
        const right = await verifyPassword({ hash: found?.hash ?? (await nobodysHash()), password });
        if (!right || found?.hash == null) throw new AppError("unauthenticated", "The e-mail or the password is wrong");
        return { userId: found.userId, email: account };
      });
    },

    async beginSession(userId, caller) {
      const { headers, response } = await auth.api
        .beginSession({ body: { userId }, headers: forBetterAuth(caller), returnHeaders: true })
        .catch(askDatabase);
      const { sessionId } = response;
      const now = new Date(ctx.clock.now());
      await ctx.db
        .update(sessions)
        .set({ confirmedAt: now, lastUsedAt: now, lastUsedAddress: caller.address })
        .where(eq(sessions.id, sessionId));
      await ctx.db.update(users).set({ lastSignInAt: now }).where(eq(users.id, userId));
      return { userId, sessionId, cookies: headers.getSetCookie() };
    },

    async signOut(headers, identity) {
      const result = await auth.api.signOut({
        headers: forBetterAuth({ address: null, userAgent: null }, headers.get("cookie")),
        returnHeaders: true,
      });
      if (identity.sessionId !== null) ctx.bus.emit("principal.revoked", { kind: "session", id: identity.sessionId });
      return result.headers.getSetCookie();
    },

    hashPassword,
  };
}

/** Whether there is any user at all. */
export async function hasUsers(ctx: Pick<Context, "db">): Promise<boolean> {
  return (await ctx.db.select({ id: users.id }).from(users).limit(1)).length > 0;
}
