import type { ServiceAccount } from "@devflow/api";
import { and, eq, inArray, type SQL, sql } from "drizzle-orm";
import type { Principal } from "../../../platform/auth/index.ts";
import { grants, serviceAccounts, users } from "../../../platform/auth/schema.ts";
import type { Database } from "../../../platform/db/index.ts";
import { grantView, mayChange, storedGrants } from "../../organizations/index.ts";
import { apiTokens } from "../schema.ts";

/** Service accounts with their makers and what their tokens come to; add order and limit. */
export const selectAccounts = (db: Pick<Database, "select">, condition: SQL | undefined, now: Date) =>
  db
    .select({
      account: serviceAccounts,
      email: users.email,
      tokens: sql<number>`(select count(*)::int from ${apiTokens} t where t.service_account_id = ${serviceAccounts.id}
        and t.revoked_at is null and (t.expires_at is null or t.expires_at > ${now.toISOString()}::timestamptz))`,
      lastUsedMs: sql<number | null>`(select extract(epoch from max(t.last_used_at))::float8 * 1000 from ${apiTokens} t
        where t.service_account_id = ${serviceAccounts.id})`,
    })
    .from(serviceAccounts)
    .leftJoin(users, eq(users.id, serviceAccounts.createdBy))
    .where(condition);

type Row = Awaited<ReturnType<typeof selectAccounts>>[number];

/** Rows as the API shows them; their grants are read by one query. */
export async function viewAccounts(db: Pick<Database, "select">, principal: Principal, rows: readonly Row[]): Promise<ServiceAccount[]> {
  if (rows.length === 0) return [];
  const ids = rows.map(({ account }) => account.id);
  const held = Map.groupBy(
    await storedGrants(db, principal.organizationId, and(eq(grants.principalKind, "service"), inArray(grants.principalId, ids))),
    ({ principalId }) => principalId,
  );
  return rows.map(({ account, email, tokens, lastUsedMs }) => {
    const own = held.get(account.id) ?? [];
    return {
      id: account.id,
      name: account.name,
      description: account.description,
      grants: own.map(grantView),
      createdAt: account.createdAt.toISOString(),
      createdBy: email,
      disabledAt: account.disabledAt?.toISOString() ?? null,
      tokens,
      lastUsedAt: lastUsedMs === null ? null : new Date(lastUsedMs).toISOString(),
      mayChange: mayChange(principal.access, own),
    };
  });
}
