import { createHash } from "node:crypto";
import { oidcSettings, type OidcSettings } from "@devflow/api";
import { AppError } from "@devflow/errors";
import type { Configuration } from "openid-client";
import type { Context } from "../../../platform/context.ts";
import { readSetting } from "../../../platform/settings/index.ts";
import { linkBase } from "../link-base.ts";
import { openid } from "./openid.ts";

export interface Provider {
  readonly settings: OidcSettings;
  readonly client: Configuration;
}

const answerSeconds = 10;
const keptMs = 3_600_000;

/** Where the provider sends browsers back to. */
export const redirectUri = (ctx: Pick<Context, "config">): string => `${linkBase(ctx)}/sign-in/callback`;

/** Asks an issuer for its description. Throws AppError invalid with what it answered instead. */
export async function discover(settings: Pick<OidcSettings, "issuer" | "clientId">, secret: string | undefined): Promise<Configuration> {
  const { allowInsecureRequests, ClientSecretBasic, ClientSecretPost, Configuration, discovery, None } = await openid();
  const url = new URL(settings.issuer);
  const isLocal = url.protocol === "http:";
  try {
    const options = { timeout: answerSeconds, ...(isLocal ? { execute: [allowInsecureRequests] } : {}) };
    const found = await discovery(url, settings.clientId, undefined, None(), options);
    const server = found.serverMetadata();
    const methods = server.token_endpoint_auth_methods_supported ?? ["client_secret_basic"];
    const bySecret = methods.includes("client_secret_basic") ? ClientSecretBasic : ClientSecretPost;
    const client = new Configuration(server, settings.clientId, undefined, secret === undefined ? None() : bySecret(secret));
    client.timeout = answerSeconds;
    if (isLocal) allowInsecureRequests(client);
    return client;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `no OpenID provider answers at ${settings.issuer}: ${reason.slice(0, 200)}`;
    throw new AppError("invalid", message, { cause, details: { fields: [{ path: "issuer", message }] } });
  }
}

/**
 * Whether a provider knows our client and its secret: it is asked for the tokens of a code that does not exist, and says
 * what is wrong with the request first. Throws AppError invalid when it knows the client or the secret not.
 */
export async function askClient(client: Configuration, redirect: string): Promise<"accepted" | "untold"> {
  const { genericGrantRequest } = await openid();
  const code = { code: "devflow-test", redirect_uri: redirect, code_verifier: "devflow-test-".repeat(4) };
  const answer: unknown = await genericGrantRequest(client, "authorization_code", code).catch((error: unknown) => error);
  const { error: said, status } = answer as { readonly error?: unknown; readonly status?: unknown };
  // A refused client is told by the status, beside a challenge, or by the error of the body.
  if (status === 401 || said === "invalid_client" || said === "unauthorized_client") {
    const message = "the provider refuses the client id or its secret";
    throw new AppError("invalid", `The provider answers, but ${message}`, { details: { fields: [{ path: "secret", message }] } });
  }
  return said === "invalid_grant" ? "accepted" : "untold";
}

/**
 * Gives the provider of the settings, described; remembers the description for an hour. One that is away is asked again
 * at the next sign-in. The function it returns throws AppError conflict or unavailable.
 */
export function createProviderFinder(ctx: Context): () => Promise<Provider> {
  let kept: { key: string; until: number; client: Promise<Configuration> } | null = null;
  return async () => {
    const setting = await readSetting(ctx, "oidc", oidcSettings);
    if (setting === null) throw new AppError("conflict", "No OpenID provider is set; an administrator does that in Settings → Sign-in");
    const { value: settings, secrets } = setting;
    const key = createHash("sha256")
      .update(JSON.stringify([settings.issuer, settings.clientId, secrets]))
      .digest("hex");
    if (kept === null || kept.key !== key || kept.until < ctx.clock.now())
      kept = { key, until: ctx.clock.now() + keptMs, client: discover(settings, secrets["secret"]) };
    const mine = kept;
    const client = await mine.client.catch((cause: unknown) => {
      if (kept === mine) kept = null;
      throw new AppError("unavailable", "The OpenID provider does not answer; sign in with your password, or try again later", { cause });
    });
    return { settings, client };
  };
}
