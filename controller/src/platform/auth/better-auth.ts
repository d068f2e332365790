import { createAuthEndpoint } from "@better-auth/core/api";
import { betterAuth } from "better-auth";
import { drizzleAdapter } from "better-auth/adapters/drizzle";
import { setSessionCookie } from "better-auth/cookies";
import { z } from "zod";
import type { Context } from "../context.ts";
import { hashPassword, verifyPassword } from "./password.ts";
import { accounts, sessions, users, verifications } from "./schema.ts";

/** Header in which we tell better-auth the client's address, after our own look at trusted proxies. */
export const addressHeader = "x-devflow-client-address";

/** Seven days, prolonged once a day while it is used. */
const sessionSeconds = 7 * 86_400;

/**
 * Begins a session for somebody who has proved who they are, by whatever factors: password and code, passkey, provider.
 * For our routes only.
 */
const beginSession = createAuthEndpoint(
  "/devflow/begin-session",
  { method: "POST", body: z.object({ userId: z.string() }), metadata: { SERVER_ONLY: true } },
  async (endpoint) => {
    const { internalAdapter } = endpoint.context;
    const user = await internalAdapter.findUserById(endpoint.body.userId);
    if (user === null) throw new Error("there is no such user");
    const session = await internalAdapter.createSession(user.id);
    await setSessionCookie(endpoint, { session, user });
    return endpoint.json({ sessionId: session.id });
  },
);

/**
 * better-auth with e-mail and password over our tables. Its HTTP handler is not mounted: routes of ours call it, so
 * that nothing answers past decide(), problem+json and our throttle.
 */
export function createBetterAuth(ctx: Context) {
  const secure = ctx.config.publicUrl?.protocol === "https:";
  return betterAuth({
    appName: "DevFlow",
    baseURL: ctx.config.publicUrl?.origin ?? `http://127.0.0.1:${ctx.config.port}`,
    basePath: "/api/auth",
    secret: ctx.masterKey.derive("better-auth").toString("base64"),
    database: drizzleAdapter(ctx.db, { provider: "pg", usePlural: true, schema: { users, sessions, accounts, verifications } }),
    emailAndPassword: {
      enabled: true,
      disableSignUp: true,
      minPasswordLength: 12,
      maxPasswordLength: 128,
      autoSignIn: false,
      password: { hash: hashPassword, verify: verifyPassword },
    },
    session: { expiresIn: sessionSeconds, updateAge: 86_400, cookieCache: { enabled: false } },
    rateLimit: { enabled: false },
    plugins: [{ id: "devflow", endpoints: { beginSession } }],
    telemetry: { enabled: false },
    logger: { disabled: true },
    advanced: {
      // The __Host- prefix binds the cookie to this very host; it needs https, so plain http on loopback has a plain name.
      cookiePrefix: secure ? "__Host-devflow" : "devflow",
      useSecureCookies: false,
      defaultCookieAttributes: { secure, httpOnly: true, sameSite: "lax", path: "/" },
      ipAddress: { ipAddressHeaders: [addressHeader] },
    },
  });
}

export type BetterAuth = ReturnType<typeof createBetterAuth>;
