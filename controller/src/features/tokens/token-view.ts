import type { ApiToken } from "@devflow/api";
import { and, eq, inArray, type SQL } from "drizzle-orm";
import type { Principal } from "../../platform/auth/index.ts";
import { grants, serviceAccounts, users } from "../../platform/auth/schema.ts";
import type { Database } from "../../platform/db/index.ts";
import { grantView, mayChange, storedGrants, type StoredGrant } from "../organizations/index.ts";
import { mayManageTokens, type Owner, ownerOf } from "./ownership.ts";
import { apiTokens } from "./schema.ts";

/** A token with the name of its holder. */
export interface TokenRow {
  readonly token: typeof apiTokens.$inferSelect;
  readonly email: string | null;
  readonly service: string | null;
}

/** Tokens with the names of their holders; add order and limit. */
export const selectTokens = (db: Pick<Database, "select">, condition: SQL | undefined) =>
  db
    .select({ token: apiTokens, email: users.email, service: serviceAccounts.name })
    .from(apiTokens)
    .leftJoin(users, eq(users.id, apiTokens.createdBy))
    .leftJoin(serviceAccounts, eq(serviceAccounts.id, apiTokens.serviceAccountId))
    .where(condition);

/** Rows as the API shows them, without the hash; their grants are read by one query. */
export async function viewTokens(
  db: Pick<Database, "select">,
  principal: Principal,
  owner: Owner,
  rows: readonly TokenRow[],
): Promise<ApiToken[]> {
  const held = Map.groupBy(
    rows.length === 0
      ? []
      : await storedGrants(
          db,
          principal.organizationId,
          and(
            eq(grants.principalKind, "token"),
            inArray(
              grants.principalId,
              rows.map(({ token }) => token.id),
            ),
          ),
        ),
    ({ principalId }) => principalId,
  );
  return rows.map((row) => viewToken(principal, owner, row, held.get(row.token.id) ?? []));
}

function viewToken(principal: Principal, owner: Owner, { token, email, service }: TokenRow, held: readonly StoredGrant[]): ApiToken {
  const mine = ownerOf(token, owner);
  return {
    id: token.id,
    name: token.name,
    prefix: token.prefix,
    grants: held.map(grantView),
    role: held.find(({ scopeKind, role }) => scopeKind === "organization" && role !== null)?.role ?? null,
    holder:
      token.serviceAccountId !== null
        ? { kind: "service", id: token.serviceAccountId, name: service ?? "" }
        : token.createdBy !== null
          ? { kind: "user", id: token.createdBy, name: email ?? "" }
          : { kind: "nobody", id: "", name: "Setup" },
    mine,
    mayRevoke: token.revokedAt === null && (mine || (mayManageTokens(principal) && mayChange(principal.access, held))),
    createdAt: token.createdAt.toISOString(),
    expiresAt: token.expiresAt?.toISOString() ?? null,
    lastUsedAt: token.lastUsedAt?.toISOString() ?? null,
    lastUsedAddress: token.lastUsedAddress,
    revokedAt: token.revokedAt?.toISOString() ?? null,
  };
}
