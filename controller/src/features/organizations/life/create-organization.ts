import type { CreateOrganization } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { and, count, eq } from "drizzle-orm";
import { writeAudit } from "../../../platform/audit/index.ts";
import { type Principal, roleAccess } from "../../../platform/auth/index.ts";
import { grants, memberships, organizations } from "../../../platform/auth/schema.ts";
import type { Context } from "../../../platform/context.ts";
import { mayCreate } from "./list-organizations.ts";

/** Organisations that one person may own when everybody may make some; administrators of the installation are not counted. */
const maxOwned = 20;

/**
 * Makes an organisation whose owner is the person who asks; nothing of any other one is in it. Returns its id.
 * Throws AppError forbidden when the installation leaves this to its administrators, conflict for too many.
 */
export async function createOrganization({
  ctx,
  principal,
  input: { name },
}: {
  ctx: Context;
  principal: Principal;
  input: CreateOrganization;
}): Promise<string> {
  const { userId, access } = principal;
  if (userId === null || !(await mayCreate(ctx, principal)))
    throw new AppError("forbidden", "Organisations are made by the administrators of this installation; ask one");
  return ctx.db.transaction(async (tx) => {
    const owned = and(
      eq(grants.principalKind, "user"),
      eq(grants.principalId, userId),
      eq(grants.role, "owner"),
      eq(grants.scopeKind, "organization"),
    );
    const [existing] = await tx.select({ count: count() }).from(grants).where(owned);
    if (!access.installationAdministrator && (existing?.count ?? 0) >= maxOwned)
      throw new AppError("conflict", `You own ${maxOwned} organisations already; delete one that nobody needs`);
    const [made] = await tx.insert(organizations).values({ name }).returning({ id: organizations.id });
    const organizationId = made!.id;
    await tx.insert(memberships).values({ organizationId, userId });
    await tx.insert(grants).values({
      organizationId,
      principalKind: "user",
      principalId: userId,
      role: "owner",
      scopeKind: "organization",
      scopeId: organizationId,
      createdBy: principal.id,
    });
    const there: Principal = { ...principal, organizationId, access: roleAccess("owner", organizationId) };
    await writeAudit(tx, there, { action: "organizations.create", targetKind: "organization", targetId: organizationId, after: { name } });
    return organizationId;
  });
}
