import type { ApiToken, Role } from "@devflow/api";
import type { apiTokens } from "./schema.ts";

/** A row as the API shows it, without the hash. */
export function toApiToken(row: typeof apiTokens.$inferSelect, role: Role): ApiToken {
  return {
    id: row.id,
    name: row.name,
    prefix: row.prefix,
    role,
    createdAt: row.createdAt.toISOString(),
    expiresAt: row.expiresAt?.toISOString() ?? null,
    lastUsedAt: row.lastUsedAt?.toISOString() ?? null,
    revokedAt: row.revokedAt?.toISOString() ?? null,
  };
}
