import type { CreateApiToken, CreatedApiToken, GrantChoice } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { and, count, eq, gt, isNull, or } from "drizzle-orm";
import { writeAudit } from "../../platform/audit/index.ts";
import { type Access, holds, holdsSomewhere, type Principal } from "../../platform/auth/index.ts";
import { serviceAccounts } from "../../platform/auth/schema.ts";
import type { Context } from "../../platform/context.ts";
import type { Database } from "../../platform/db/index.ts";
import { writeEvent } from "../../platform/events/index.ts";
import { insertGrants, lockOrganization, resolveGrants, type ResolvedGrant, told } from "../organizations/index.ts";
import { findOwner, type Owner } from "./ownership.ts";
import { apiTokens } from "./schema.ts";
import { newTokenSecret, tokenHash, tokenPrefix } from "./secret.ts";
import { selectTokens, viewTokens } from "./token-view.ts";

const maxTokens = 1_000;
const defaultDays = 90;
const dayMs = 86_400_000;

/**
 * Makes an API token; the answer is the only one that ever holds its secret. A session makes its person's own; a token
 * that may manage tokens makes more of the same holder, which end when it ends at the latest; for a service account
 * the permission tokens.manage is needed.
 * Throws AppError forbidden when more is asked for than the maker may do, invalid for roles or places that are not
 * there, conflict when there are too many.
 */
export async function createToken({
  ctx,
  principal,
  input,
}: {
  ctx: Context;
  principal: Principal;
  input: CreateApiToken;
}): Promise<CreatedApiToken> {
  const secret = newTokenSecret();
  const { organizationId } = principal;
  const now = ctx.clock.now();
  return ctx.db.transaction(async (tx) => {
    const needsManage = principal.kind === "token" || input.serviceAccountId !== undefined;
    const { access } = await lockOrganization(tx, principal, needsManage ? "tokens.manage" : null);
    const owner = await findOwner(tx, principal);
    const service = await findService(tx, organizationId, input.serviceAccountId ?? owner.serviceAccountId);
    const wanted = await resolveGrants(tx, organizationId, choices(input));
    refuseMoreThanOwn(access, wanted, principal.kind === "user" && service === null);
    await refuseTooMany(tx, organizationId, new Date(now));
    const expiresAt = endOf(input.expiresInDays, now, owner);
    const [row] = await tx
      .insert(apiTokens)
      .values({
        organizationId,
        name: input.name,
        prefix: tokenPrefix(secret),
        sha256: tokenHash(secret),
        createdBy: service === null ? owner.userId : null,
        serviceAccountId: service,
        createdAt: new Date(now),
        expiresAt,
      })
      .returning({ id: apiTokens.id });
    const { id } = row!;
    await insertGrants(tx, principal, "token", id, wanted);
    await writeAudit(tx, principal, {
      action: "tokens.create",
      targetKind: "token",
      targetId: id,
      after: { name: input.name, grants: told(wanted), expiresAt, ...(service === null ? {} : { serviceAccountId: service }) },
    });
    await writeEvent(tx, principal, { type: "token.created", subject: { kind: "token", id, name: input.name }, data: {} });
    const [token] = await viewTokens(tx, principal, owner, await selectTokens(tx, eq(apiTokens.id, id)));
    return { token: token!, secret };
  });
}

function choices({ role, grants }: CreateApiToken): GrantChoice[] {
  if ((role === undefined) === (grants === undefined))
    throw new AppError("invalid", "Say what the token may do: either role, for the whole organisation, or grants, for parts of it", {
      details: { fields: [{ path: "grants", message: "expected either role or grants" }] },
    });
  return grants ?? [{ role: role!, scope: { kind: "organization" } }];
}

/**
 * A token cannot do more than its maker. A person's rights bound their tokens at each use, so that such a token may
 * hold a role over everything that the person has in parts only.
 */
function refuseMoreThanOwn(access: Access, wanted: readonly ResolvedGrant[], isOwn: boolean): void {
  for (const { permissions, scope, roleName } of wanted) {
    for (const permission of permissions) {
      if (isOwn && scope === undefined ? holdsSomewhere(access, permission) : holds(access, permission, scope)) continue;
      throw new AppError(
        "forbidden",
        `A token cannot do more than its maker: the role "${roleName}" has "${permission}", you do not there`,
      );
    }
  }
}

async function findService(tx: Pick<Database, "select">, organizationId: string, id: string | null): Promise<string | null> {
  if (id === null) return null;
  const [account] = await tx
    .select({ id: serviceAccounts.id })
    .from(serviceAccounts)
    .where(and(eq(serviceAccounts.id, id), eq(serviceAccounts.organizationId, organizationId)));
  if (account === undefined) throw new AppError("invalid", `serviceAccountId: there is no service account ${id} here`);
  return id;
}

async function refuseTooMany(tx: Pick<Database, "select">, organizationId: string, now: Date): Promise<void> {
  const alive = and(isNull(apiTokens.revokedAt), or(isNull(apiTokens.expiresAt), gt(apiTokens.expiresAt, now)));
  const [existing] = await tx
    .select({ count: count() })
    .from(apiTokens)
    .where(and(eq(apiTokens.organizationId, organizationId), alive));
  if ((existing?.count ?? 0) >= maxTokens)
    throw new AppError("conflict", `There are ${maxTokens} tokens already; revoke those that nobody uses`);
}

/** What a token makes ends with it at the latest: otherwise a leaked one could outlive its end. */
function endOf(days: number | null | undefined, nowMs: number, { expiresAt }: Owner): Date | null {
  const end = days === null ? null : new Date(nowMs + (days ?? defaultDays) * dayMs);
  if (expiresAt === null || (end !== null && end <= expiresAt)) return end;
  if (days === undefined) return expiresAt;
  throw new AppError("forbidden", `A token cannot make one that outlives it: it ends at ${expiresAt.toISOString()}`);
}
