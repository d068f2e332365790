import type { Permission } from "@devflow/api";
import { type Identity, weaker } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";
import { tokenHash } from "./secret.ts";

/**
 * Looks API tokens up by the SHA-256 of their secret. A token never does more than its maker may at the moment: their
 * roles are compared at each look-up, and without a role left the token is dead.
 */
export interface TokenFinder {
  find(secret: string): Promise<Identity | null>;
  /** Writes down when tokens were used last; also done every 30 s. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

interface Row {
  id: string;
  name: string;
  organizationId: string;
  role: Permission;
  expiresAtMs: number | null;
  createdBy: string | null;
  makerRole: Permission | null;
}

export function createTokenFinder(ctx: Context): TokenFinder {
  const used = new Set<string>();
  const flush = async () => {
    const ids = [...used];
    used.clear();
    if (ids.length > 0)
      await ctx.sql`update api_tokens set last_used_at = ${new Date(ctx.clock.now())} where id = any(string_to_array(${ids.join(",")}, ',')::uuid[])`;
  };
  const timer = setInterval(() => {
    flush().catch((error: unknown) => ctx.log.warn({ scope: "tokens", err: error }, "could not note when tokens were used"));
  }, 30_000);
  timer.unref();
  return {
    async find(secret) {
      const [row] = await ctx.sql<Row[]>`
        select t.id, t.name, t.organization_id as "organizationId", g.role, extract(epoch from t.expires_at)::float8 * 1000 as "expiresAtMs",
          t.created_by as "createdBy", m.role as "makerRole"
        from api_tokens t
        join grants g on g.organization_id = t.organization_id and g.principal_kind = 'token'
          and g.principal_id = t.id::text and g.scope_kind = 'organization'
        left join grants m on m.organization_id = t.organization_id and m.principal_kind = 'user'
          and m.principal_id = t.created_by and m.scope_kind = 'organization'
        where t.sha256 = ${tokenHash(secret)} and t.revoked_at is null`;
      if (row === undefined) return null;
      if (row.expiresAtMs !== null && row.expiresAtMs <= ctx.clock.now()) return null;
      if (row.createdBy !== null && row.makerRole === null) return null;
      used.add(row.id);
      return {
        kind: "token",
        id: row.id,
        name: row.name,
        organizationId: row.organizationId,
        permission: row.makerRole === null ? row.role : weaker(row.role, row.makerRole),
        userId: row.createdBy,
        email: null,
        sessionId: null,
        expiresAtMs: row.expiresAtMs,
      };
    },
    flush,
    async close() {
      clearInterval(timer);
      await flush();
    },
  };
}
