import { oidcSettings, type OidcState, type OidcTestResult, type PutOidcSettings } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { eq } from "drizzle-orm";
import { writeAudit } from "../../platform/audit/index.ts";
import type { Principal } from "../../platform/auth/index.ts";
import { organizations } from "../../platform/auth/schema.ts";
import type { Context } from "../../platform/context.ts";
import { deleteSetting, readSetting, writeSetting } from "../../platform/settings/index.ts";
import { askClient, discover, redirectUri } from "../users/index.ts";

const key = "oidc";
const target = { targetKind: "setting", targetId: key } as const;
const wrong = (path: string, message: string) =>
  new AppError("invalid", `The body is not as expected: ${path}: ${message}`, { details: { fields: [{ path, message }] } });

export async function readOidc({ ctx }: { ctx: Context }): Promise<OidcState> {
  const setting = await readSetting(ctx, key, oidcSettings);
  return { oidc: setting?.value ?? null, hasSecret: setting?.secrets["secret"] !== undefined, redirectUri: redirectUri(ctx) };
}

/**
 * Stores the OpenID provider, once it has described itself. The secret stays when none is given, as long as it would go
 * to the same issuer and client. Throws AppError invalid.
 */
export async function putOidc({
  ctx,
  principal,
  input,
}: {
  ctx: Context;
  principal: Principal;
  input: PutOidcSettings;
}): Promise<OidcState> {
  const { secret: given, ...value } = input;
  const stored = await readSetting(ctx, key, oidcSettings);
  const isSame = stored?.value.issuer === value.issuer && stored.value.clientId === value.clientId;
  if (given === undefined && !isSame && stored?.secrets["secret"] !== undefined)
    throw wrong("secret", "the secret is wanted again, since issuer or client id changed");
  const secret = given === undefined ? (isSame ? stored?.secrets["secret"] : undefined) : (given ?? undefined);
  if (value.newMembers !== null) {
    const { organizationId } = value.newMembers;
    const [organization] = await ctx.db.select({ id: organizations.id }).from(organizations).where(eq(organizations.id, organizationId));
    if (organization === undefined) throw wrong("newMembers.organizationId", "there is no such organisation");
  }
  await discover(value, secret);
  await ctx.db.transaction(async (tx) => {
    await writeSetting(tx, ctx, key, value, secret === undefined ? {} : { secret });
    await writeAudit(tx, principal, { action: "settings.update", ...target, before: stored?.value, after: value });
  });
  return readOidc({ ctx });
}

/**
 * Asks the stored provider for its description, and whether it knows our client. Throws AppError conflict without one,
 * invalid with what it answered.
 */
export async function testOidc({ ctx }: { ctx: Context }): Promise<OidcTestResult> {
  const stored = await readSetting(ctx, key, oidcSettings);
  if (stored === null) throw new AppError("conflict", "No OpenID provider is set: save one first");
  const client = await discover(stored.value, stored.secrets["secret"]);
  return { issuer: client.serverMetadata().issuer, client: await askClient(client, redirectUri(ctx)) };
}

/** Nobody signs in by the provider any more; who is signed in stays so. */
export async function removeOidc({ ctx, principal }: { ctx: Context; principal: Principal }): Promise<void> {
  await ctx.db.transaction(async (tx) => {
    const before = await readSetting({ db: tx, masterKey: ctx.masterKey }, key, oidcSettings);
    if (before === null) return;
    await deleteSetting(tx, key);
    await writeAudit(tx, principal, { action: "settings.delete", ...target, before: before.value });
  });
}
