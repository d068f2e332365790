import { AppError } from "@devflow/errors";
import { and, count, eq, sql } from "drizzle-orm";
import { grants, memberships } from "../../../platform/auth/schema.ts";
import type { Database } from "../../../platform/db/index.ts";

/** Last step of whatever may take an owner away, under lockOrganization(). Throws AppError conflict when none would be left. */
export async function keepOwner(tx: Pick<Database, "select">, organizationId: string): Promise<void> {
  const [row] = await tx
    .select({ owners: count() })
    .from(grants)
    .innerJoin(memberships, and(eq(memberships.organizationId, grants.organizationId), eq(memberships.userId, grants.principalId)))
    .where(
      and(
        eq(grants.organizationId, organizationId),
        eq(grants.principalKind, "user"),
        eq(grants.role, "owner"),
        eq(grants.scopeKind, "organization"),
      ),
    );
  if ((row?.owners ?? 0) === 0)
    throw new AppError("conflict", "An organisation needs an owner, and this is the last one; make somebody else an owner first");
}

/** Whether somebody is an owner; SQL on a column or value of a user's id. */
export const isOwnerSql = (organizationId: string, userId: string) =>
  sql`exists (select 1 from grants g where g.organization_id = ${organizationId}::uuid and g.principal_kind = 'user' and g.principal_id = ${userId} and g.role = 'owner' and g.scope_kind = 'organization')`;
