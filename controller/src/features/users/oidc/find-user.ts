import { randomUUID } from "node:crypto";
import type { OidcSettings } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { and, eq, sql } from "drizzle-orm";
import { writeAudit } from "../../../platform/audit/index.ts";
import { type Caller, type Principal, roleAccess } from "../../../platform/auth/index.ts";
import { accounts, grants, memberships, organizations, users } from "../../../platform/auth/schema.ts";
import type { Context } from "../../../platform/context.ts";
import { writeEvent } from "../../../platform/events/index.ts";
import { selfPrincipal } from "../email/self-principal.ts";
import { tellOfChange } from "../tell-of-change.ts";
import type { ProviderUser } from "./flow.ts";

export const providerId = (issuer: string): string => `oidc:${issuer}`;

type From = { readonly caller: Caller; readonly requestId: string };
type Transaction = Parameters<Parameters<Context["db"]["transaction"]>[0]>[0];

/**
 * Whom the provider sent: the user who is linked to that account; else the one with the same e-mail address, verified
 * on both sides, who is linked now; else a new one where settings say so. Throws AppError forbidden for everybody else.
 */
export async function findUser({
  ctx,
  input: { settings, user, from },
}: {
  ctx: Context;
  input: { settings: OidcSettings; user: ProviderUser; from: From };
}): Promise<string> {
  const { allowedDomains } = settings;
  const { email } = user;
  if (allowedDomains.length > 0 && !allowedDomains.includes(email?.split("@")[1] ?? ""))
    throw new AppError("forbidden", `Only verified addresses of ${allowedDomains.join(", ")} may sign in this way`);
  const account = and(eq(accounts.providerId, providerId(user.issuer)), eq(accounts.accountId, user.subject));
  const [linked] = await ctx.db.select({ userId: accounts.userId }).from(accounts).where(account);
  if (linked !== undefined) return linked.userId;
  const linkYourself = "sign in with your password and link the account in your profile";
  if (email === null) throw new AppError("forbidden", `The provider does not say that it verified your e-mail address; ${linkYourself}`);
  const userId = await ctx.db.transaction(async (tx) => {
    // Two first sign-ins at once make one user.
    await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${email}, 0))`);
    const [meanwhile] = await tx.select({ userId: accounts.userId }).from(accounts).where(account);
    if (meanwhile !== undefined) return meanwhile.userId;
    const [known] = await tx.select().from(users).where(eq(users.email, email));
    if (known === undefined) {
      if (settings.newMembers === null) throw new AppError("forbidden", `${email} has no account here; ask an administrator to invite you`);
      return createMember(tx, ctx, { ...settings.newMembers, email, user, from });
    }
    // Otherwise whoever enters somebody's address here first would be given that person's sign-in later.
    if (!known.emailVerified) throw new AppError("forbidden", `Your address is not verified in DevFlow yet; ${linkYourself}`);
    await tx.insert(accounts).values({ id: randomUUID(), providerId: providerId(user.issuer), accountId: user.subject, userId: known.id });
    await tellOfChange(tx, ctx, await selfPrincipal(tx, ctx, known, from), known, {
      action: "users.link-provider",
      event: { type: "user.factor-changed", data: { factor: "oidc", added: true } },
      after: { issuer: user.issuer },
      notice: `Your account can be used by ${settings.label} now`,
    });
    return known.id;
  });
  ctx.bus.emit("mail.queued", {});
  return userId;
}

async function createMember(
  tx: Transaction,
  ctx: Context,
  { organizationId, role, email, user, from }: NonNullable<OidcSettings["newMembers"]> & { email: string; user: ProviderUser; from: From },
): Promise<string> {
  const [organization] = await tx.select().from(organizations).where(eq(organizations.id, organizationId));
  if (organization === undefined || organization.deleteAfter !== null)
    throw new AppError(
      "forbidden",
      "The organisation that new people would join is gone; ask an administrator to look at Settings → Sign-in",
    );
  const id = randomUUID();
  const name = user.name === null || user.name === "" ? email.split("@")[0]! : user.name;
  await tx.insert(users).values({ id, name, email, emailVerified: true });
  await tx.insert(accounts).values({ id: randomUUID(), providerId: providerId(user.issuer), accountId: user.subject, userId: id });
  await tx.insert(memberships).values({ organizationId, userId: id });
  await tx
    .insert(grants)
    .values({ organizationId, principalKind: "user", principalId: id, role, scopeKind: "organization", scopeId: organizationId });
  const principal: Principal = {
    kind: "system",
    id: "oidc",
    name: "first sign-in by the OpenID provider",
    organizationId,
    userId: null,
    access: roleAccess("view", organizationId),
    address: from.caller.address,
    requestId: from.requestId,
  };
  await writeAudit(tx, principal, {
    action: "users.create",
    targetKind: "user",
    targetId: id,
    after: { email, role, issuer: user.issuer },
  });
  await writeEvent(tx, principal, { type: "member.joined", subject: { kind: "user", id, name: email }, data: {} });
  return id;
}
