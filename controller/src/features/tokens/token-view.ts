import type { ApiToken, Permission } from "@devflow/api";
import type { apiTokens } from "./schema.ts";

/** A row as the API shows it, without the hash. */
export function toApiToken(row: typeof apiTokens.$inferSelect, permission: Permission): ApiToken {
  return {
    id: row.id,
    name: row.name,
    prefix: row.prefix,
    permission,
    createdAt: row.createdAt.toISOString(),
    expiresAt: row.expiresAt?.toISOString() ?? null,
    lastUsedAt: row.lastUsedAt?.toISOString() ?? null,
    revokedAt: row.revokedAt?.toISOString() ?? null,
  };
}
