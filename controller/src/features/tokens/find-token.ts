import { type Identity, strongestRole } from "../../platform/auth/index.ts";
import { type GrantRow, grantsSql, letsInSql, ofUserSql, toGrant } from "../../platform/auth/load-access.ts";
import type { Context } from "../../platform/context.ts";
import { createRecentSet } from "../../platform/recent-set.ts";
import { isMistyped, tokenHash } from "./secret.ts";

/**
 * Looks API tokens up by the SHA-256 of their secret. A token never does more than its maker may at the moment: both
 * their grants are looked at, and it dies with its maker's membership.
 */
export interface TokenFinder {
  /** @param beforeLookUp called before the database is asked; what it throws is thrown */
  find(secret: string, address: string | null, beforeLookUp?: () => void): Promise<Identity | null>;
  /** Writes down when and from where tokens were used last; also done once a minute. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

interface Row {
  id: string;
  name: string;
  organizationId: string;
  expiresAtMs: number | null;
  createdBy: string | null;
  grants: GrantRow[];
  /** What its holder may; null when it has none (made at the first start). */
  bound: GrantRow[] | null;
  /** Whether the holder still belongs to the organisation and is not disabled; of an organisation that will be deleted, whether they own it. */
  alive: boolean;
  installationAdministrator: boolean;
}

const flushEveryMs = 60_000;

export function createTokenFinder(ctx: Context): TokenFinder {
  const used = new Map<string, { atMs: number; address: string | null }>();
  const flush = async () => {
    const uses = JSON.stringify([...used].map(([id, { atMs, address }]) => ({ id, at: new Date(atMs), address })));
    if (used.size === 0) return;
    used.clear();
    // Not more often than once a minute, however many controllers a token goes to.
    await ctx.sql`
      update api_tokens t set last_used_at = u.at, last_used_address = u.address
      from json_to_recordset(${uses}::text::json) u (id uuid, at timestamptz, address text)
      where t.id = u.id and (t.last_used_at is null or t.last_used_at <= u.at - interval '59 seconds')`;
  };
  // Whoever repeats a token that is none costs no query each time. A secret cannot become a token later.
  const unknown = createRecentSet({ now: () => ctx.clock.now(), keepMs: 10_000, maxEntries: 5_000 });
  const timer = setInterval(() => {
    flush().catch((error: unknown) => ctx.log.warn({ scope: "tokens", err: error }, "could not note when tokens were used"));
  }, flushEveryMs);
  timer.unref();
  return {
    async find(secret, address, beforeLookUp) {
      if (isMistyped(secret)) return null;
      const sha256 = tokenHash(secret);
      if (unknown.has(sha256)) return null;
      beforeLookUp?.();
      const { sql } = ctx;
      const [row] = await sql<Row[]>`
        select t.id, t.name, t.organization_id as "organizationId", extract(epoch from t.expires_at)::float8 * 1000 as "expiresAtMs",
          t.created_by as "createdBy",
          ${grantsSql(ctx, sql`g.organization_id = t.organization_id and g.principal_kind = 'token' and g.principal_id = t.id::text`)} as grants,
          case when t.service_account_id is not null
              then ${grantsSql(ctx, sql`g.organization_id = t.organization_id and g.principal_kind = 'service' and g.principal_id = t.service_account_id::text`)}
            when t.created_by is not null then ${grantsSql(ctx, ofUserSql(ctx, sql`t.organization_id`, sql`t.created_by`))}
          end as bound,
          case when t.service_account_id is not null then a.disabled_at is null
            when t.created_by is not null then m.user_id is not null and u.disabled_at is null else true end
            and (o.delete_after is null or t.service_account_id is null and ${letsInSql(ctx, sql`t.created_by`)}) as alive,
          coalesce(u.installation_administrator, false) as "installationAdministrator"
        from api_tokens t join organizations o on o.id = t.organization_id
        left join service_accounts a on a.id = t.service_account_id
        left join memberships m on m.organization_id = t.organization_id and m.user_id = t.created_by
        left join users u on u.id = t.created_by and t.service_account_id is null
        where t.sha256 = ${sha256} and t.revoked_at is null`;
      if (row === undefined) {
        unknown.add(sha256);
        return null;
      }
      if (!row.alive) return null;
      if (row.expiresAtMs !== null && row.expiresAtMs <= ctx.clock.now()) return null;
      used.set(row.id, { atMs: ctx.clock.now(), address });
      const grants = row.grants.map(toGrant);
      const doesEverything = strongestRole({ grants, bound: null, installationAdministrator: false }) === "owner";
      return {
        kind: "token",
        id: row.id,
        name: row.name,
        organizationId: row.organizationId,
        access: {
          grants,
          bound: row.bound?.map(toGrant) ?? null,
          // Only a token that was made to do everything does this too; the bootstrap token stands for the first administrator.
          installationAdministrator: doesEverything && (row.installationAdministrator || isBootstrap(ctx, row)),
          ofAdministrator: row.installationAdministrator || (doesEverything && isBootstrap(ctx, row)),
        },
        userId: row.createdBy,
        email: null,
        sessionId: null,
        confirmedAtMs: null,
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

/** The token of DEVFLOW_BOOTSTRAP_TOKEN: nobody's, of the default organisation. */
const isBootstrap = (ctx: Context, { createdBy, bound, organizationId }: Row) =>
  createdBy === null && bound === null && organizationId === ctx.installation.defaultOrganizationId;
