import type { GrantChoice, Invitation } from "@devflow/api";
import { and, desc, eq, inArray, sql } from "drizzle-orm";
import type { Principal } from "../../../platform/auth/index.ts";
import { customRoles, teams, users } from "../../../platform/auth/schema.ts";
import type { Context } from "../../../platform/context.ts";
import type { Database } from "../../../platform/db/index.ts";
import { type Page, readCursor, writeCursor } from "../../../platform/http/cursor.ts";
import { serverGroups } from "../../groups/schema.ts";
import { invitations } from "../schema.ts";
import { stateOf } from "./rules.ts";

interface Input {
  cursor?: string | undefined;
  limit?: number | undefined;
}
type Row = typeof invitations.$inferSelect;

/** Invitations of the organisation, newest first, with what became of them. Throws AppError invalid for a foreign cursor. */
export async function listInvitations({
  ctx,
  principal,
  input,
}: {
  ctx: Context;
  principal: Principal;
  input: Input;
}): Promise<Page<Invitation>> {
  const limit = input.limit ?? 50;
  const after = readCursor(input.cursor, ["string", "string"]);
  const rows = await ctx.db
    .select()
    .from(invitations)
    .where(
      and(
        eq(invitations.organizationId, principal.organizationId),
        after === null ? undefined : sql`(${invitations.createdAt}, ${invitations.id}) < (${after[0]}::timestamptz, ${after[1]}::uuid)`,
      ),
    )
    .orderBy(desc(invitations.createdAt), desc(invitations.id))
    .limit(limit + 1);
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    items: await invitationViews(ctx.db, principal.organizationId, shown, ctx.clock.now()),
    nextCursor: rows.length > limit && last !== undefined ? writeCursor([last.createdAt.toISOString(), last.id]) : null,
  };
}

/** As the API shows them, without the code's hash. */
export async function invitationViews(
  db: Pick<Database, "select">,
  organizationId: string,
  rows: readonly Row[],
  nowMs: number,
): Promise<Invitation[]> {
  if (rows.length === 0) return [];
  const grantsOf = (row: Row) => row.grants as GrantChoice[];
  const people = rows.flatMap(({ invitedBy, acceptedBy }) => [invitedBy, acceptedBy]).filter((id): id is string => id !== null);
  const uuids = rows.flatMap((row) =>
    grantsOf(row).flatMap(({ role, scope }) => [role.length === 36 ? role : null, "id" in scope ? scope.id : null]),
  );
  const ids = [...uuids, ...rows.flatMap(({ teamIds }) => teamIds)].filter((id): id is string => id !== null);
  const own = { organizationId };
  const names = new Map(
    (
      await Promise.all([
        people.length === 0 ? [] : db.select({ id: users.id, name: users.email }).from(users).where(inArray(users.id, people)),
        ...(ids.length === 0
          ? []
          : [customRoles, teams, serverGroups].map((table) =>
              db
                .select({ id: table.id, name: table.name })
                .from(table)
                .where(and(eq(table.organizationId, own.organizationId), inArray(table.id, ids))),
            )),
      ])
    )
      .flat()
      .map(({ id, name }) => [id, name]),
  );
  return rows.map((row) => ({
    id: row.id,
    email: row.email,
    grants: grantsOf(row).map(({ role, scope }) => ({
      role,
      scope,
      roleName: role.length === 36 ? (names.get(role) ?? "a deleted role") : role,
      scopeName: "id" in scope ? (names.get(scope.id) ?? `a deleted ${scope.kind}`) : "Everything",
    })),
    teams: row.teamIds.flatMap((id) => (names.has(id) ? [{ id, name: names.get(id)! }] : [])),
    invitedBy: row.invitedBy === null ? null : (names.get(row.invitedBy) ?? null),
    createdAt: row.createdAt.toISOString(),
    expiresAt: row.expiresAt.toISOString(),
    mailedAt: row.mailedAt?.toISOString() ?? null,
    state: stateOf(row, nowMs),
    acceptedBy: row.acceptedBy === null ? null : (names.get(row.acceptedBy) ?? null),
  }));
}
