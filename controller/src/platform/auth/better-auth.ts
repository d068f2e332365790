import { betterAuth } from "better-auth";
import { drizzleAdapter } from "better-auth/adapters/drizzle";
import type { Context } from "../context.ts";
import { hashPassword, verifyPassword } from "./password.ts";
import { accounts, sessions, users, verifications } from "./schema.ts";

/** Header in which we tell better-auth the client's address, after our own look at trusted proxies. */
export const addressHeader = "x-devflow-client-address";

/** Seven days, prolonged once a day while it is used. */
const sessionSeconds = 7 * 86_400;

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
