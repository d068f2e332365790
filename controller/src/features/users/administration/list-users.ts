import type { InstallationUser, InstallationUserSort } from "@devflow/api";
import type { Fragment } from "postgres";
import type { Principal } from "../../../platform/auth/index.ts";
import type { Context } from "../../../platform/context.ts";
import { type Page, readCursor, writeCursor } from "../../../platform/http/cursor.ts";

interface Input {
  cursor?: string | undefined;
  limit?: number | undefined;
  /** Part of a name or address, or an id. */
  search?: string | undefined;
  state?: "active" | "disabled" | undefined;
  administrators?: "true" | "false" | undefined;
  sort?: InstallationUserSort | undefined;
}

type Row = Omit<InstallationUser, "createdAt" | "lastSignInAt" | "disabledAt" | "factors" | "you"> &
  InstallationUser["factors"] & { createdAt: Date; lastSignInAt: Date | null; disabledAt: Date | null; sortKey: string };

/** Users of the whole installation, a page at a time; by e-mail address by default. Throws AppError invalid for a foreign cursor. */
export async function listUsers({
  ctx,
  principal,
  input,
}: {
  ctx: Context;
  principal: Principal;
  input: Input;
}): Promise<Page<InstallationUser>> {
  const { sql } = ctx;
  const { sort = "email", limit = 100 } = input;
  const isDown = sort.startsWith("-");
  const column = sort.replace("-", "");
  const key =
    column === "name"
      ? sql`lower(u.name)`
      : column === "email"
        ? sql`u.email`
        : sql`coalesce(to_char(u.last_sign_in_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US'), '')`;
  const after = readCursor(input.cursor, ["string", "string"]);
  const wanted = input.search
    ?.trim()
    .toLowerCase()
    .replaceAll(/[\\%_]/g, "\\$&");
  const conditions = sql`
    ${wanted ? sql`and (lower(u.email) like ${`%${wanted}%`} or lower(u.name) like ${`%${wanted}%`} or u.id = ${wanted})` : sql``}
    ${input.state === undefined ? sql`` : sql`and (u.disabled_at is not null) = ${input.state === "disabled"}`}
    ${input.administrators === undefined ? sql`` : sql`and u.installation_administrator = ${input.administrators === "true"}`}
    ${after === null ? sql`` : sql`and (${key}, u.id) ${isDown ? sql`<` : sql`>`} (${after[0]}, ${after[1]})`}`;
  const down = isDown ? sql`desc` : sql``;
  const rows = await readRows(ctx, conditions, key, sql`order by ${key} ${down}, u.id ${down} limit ${limit + 1}`);
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    items: shown.map((row) => toUser(row, principal)),
    nextCursor: rows.length > limit && last !== undefined ? writeCursor([last.sortKey, last.id]) : null,
  };
}

/** One user; null when there is none with that id. */
export async function findUser(
  ctx: Pick<Context, "sql" | "clock">,
  principal: Principal,
  userId: string,
): Promise<InstallationUser | null> {
  const { sql } = ctx;
  const [row] = await readRows(ctx, sql`and u.id = ${userId}`, sql`u.id`, sql``);
  return row === undefined ? null : toUser(row, principal);
}

function readRows({ sql, clock }: Pick<Context, "sql" | "clock">, conditions: Fragment, key: Fragment, order: Fragment): Promise<Row[]> {
  return sql<Row[]>`
    select u.id, u.name, u.email, u.email_verified as "emailVerified", u.created_at as "createdAt",
      u.last_sign_in_at as "lastSignInAt", u.disabled_at as "disabledAt",
      u.installation_administrator as "installationAdministrator", ${key} as "sortKey",
      (select count(*)::int from memberships m where m.user_id = u.id) as organizations,
      (select count(*)::int from sessions s where s.user_id = u.id and s.expires_at > ${new Date(clock.now())}) as sessions,
      exists (select from accounts a where a.user_id = u.id and a.provider_id = 'credential' and a.password is not null) as "hasPassword",
      exists (select from accounts a where a.user_id = u.id and a.provider_id <> 'credential') as linked,
      exists (select from passkeys p where p.user_id = u.id) as passkey,
      exists (select from totp_factors t where t.user_id = u.id and t.enabled_at is not null) as totp
    from users u where true ${conditions} ${order}`;
}

const toUser = (row: Row, principal: Principal): InstallationUser => ({
  id: row.id,
  name: row.name,
  email: row.email,
  emailVerified: row.emailVerified,
  createdAt: row.createdAt.toISOString(),
  lastSignInAt: row.lastSignInAt?.toISOString() ?? null,
  organizations: row.organizations,
  sessions: row.sessions,
  factors: { hasPassword: row.hasPassword, totp: row.totp, passkey: row.passkey, linked: row.linked },
  installationAdministrator: row.installationAdministrator,
  disabledAt: row.disabledAt?.toISOString() ?? null,
  you: row.id === principal.userId,
});
