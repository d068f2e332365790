import { AppError } from "@devflow/errors";
import type { Context } from "../../../platform/context.ts";
import { seal, unseal } from "../sealed.ts";
import { openid } from "./openid.ts";
import { type Provider, redirectUri } from "./provider.ts";

export type OidcPurpose = "sign-in" | "link" | "confirm";

/** What this browser began; kept in its cookie, sealed, so that only the browser that left can come back. */
export interface Pending {
  readonly purpose: OidcPurpose;
  /** Of the session that began it; null at a sign-in. */
  readonly userId: string | null;
  readonly issuer: string;
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

/** Who came back, as the provider's signed token says. */
export interface ProviderUser {
  readonly issuer: string;
  readonly subject: string;
  /** Null unless the provider says that it verified it. */
  readonly email: string | null;
  readonly name: string | null;
}

const pendingMs = 10 * 60_000;
const sealPurpose = "oidc";
/** A confirmation counts when the provider itself asked who is there this lately. */
const confirmedWithinSeconds = 300;

const isHttps = (ctx: Pick<Context, "config">) => ctx.config.publicUrl?.protocol === "https:";
const cookieName = (ctx: Pick<Context, "config">) => `${isHttps(ctx) ? "__Host-" : ""}devflow.oidc`;
const cookie = (ctx: Pick<Context, "config">, value: string, maxAgeSeconds: number) =>
  `${cookieName(ctx)}=${value}; Max-Age=${maxAgeSeconds}; Path=/; HttpOnly; SameSite=Lax${isHttps(ctx) ? "; Secure" : ""}`;

/** Where to send the browser, and the Set-Cookie value by which it is known when it comes back. */
export async function beginFlow(
  ctx: Context,
  { settings, client }: Provider,
  begun: Pick<Pending, "purpose" | "userId">,
): Promise<{ url: string; cookie: string }> {
  const { buildAuthorizationUrl, calculatePKCECodeChallenge, randomNonce, randomPKCECodeVerifier, randomState } = await openid();
  const pending: Pending = {
    ...begun,
    issuer: settings.issuer,
    state: randomState(),
    nonce: randomNonce(),
    verifier: randomPKCECodeVerifier(),
  };
  const url = buildAuthorizationUrl(client, {
    redirect_uri: redirectUri(ctx),
    scope: ["openid", ...settings.scopes.split(" ").filter((scope) => scope !== "" && scope !== "openid")].join(" "),
    state: pending.state,
    nonce: pending.nonce,
    code_challenge: await calculatePKCECodeChallenge(pending.verifier),
    code_challenge_method: "S256",
    ...(begun.purpose === "confirm" ? { prompt: "login", max_age: "0" } : {}),
  });
  return { url: url.href, cookie: cookie(ctx, seal(ctx, sealPurpose, pending, pendingMs), pendingMs / 1000) };
}

/** Set-Cookie value that ends what was begun. */
export const endFlow = (ctx: Context): string => cookie(ctx, "", 0);

/**
 * Takes the browser back: state, PKCE, nonce, signature, issuer and audience are checked. Throws AppError
 * unauthenticated when this browser began nothing or anything does not fit.
 * @param search query of the address that the provider sent it to
 */
export async function finishFlow(
  ctx: Context,
  { settings, client }: Provider,
  headers: Headers,
  search: string,
): Promise<{ pending: Pending; user: ProviderUser }> {
  const refused = (why: string, cause?: unknown) => new AppError("unauthenticated", `${why}; begin again on the sign-in page`, { cause });
  const value = (headers.get("cookie") ?? "")
    .split(/;\s*/)
    .find((part) => part.startsWith(`${cookieName(ctx)}=`))
    ?.slice(cookieName(ctx).length + 1);
  const pending = value === undefined ? null : unseal<Pending>(ctx, sealPurpose, value);
  if (pending === null || pending.issuer !== settings.issuer)
    throw refused("This browser began no sign-in at the provider, or more than ten minutes ago");
  const current = new URL(redirectUri(ctx));
  current.search = search;
  const { authorizationCodeGrant, fetchUserInfo } = await openid();
  try {
    const tokens = await authorizationCodeGrant(client, current, {
      pkceCodeVerifier: pending.verifier,
      expectedState: pending.state,
      expectedNonce: pending.nonce,
      idTokenExpected: true,
      ...(pending.purpose === "confirm" ? { maxAge: confirmedWithinSeconds } : {}),
    });
    const claims = tokens.claims()!;
    const facts = claims["email"] === undefined ? await fetchUserInfo(client, tokens.access_token, claims.sub) : claims;
    const email = typeof facts["email"] === "string" && facts["email_verified"] === true ? facts["email"].toLowerCase() : null;
    const name = typeof facts["name"] === "string" ? facts["name"].trim().slice(0, 100) : null;
    return { pending, user: { issuer: settings.issuer, subject: claims.sub, email, name } };
  } catch (cause) {
    const { error } = cause as { error?: unknown };
    throw refused(error === "access_denied" ? "The provider refused, or you cancelled" : "The provider's answer was not accepted", cause);
  }
}
