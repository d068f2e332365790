import type { BulkOutcome, BulkResult, BulkUpdateServers } from "@devflow/api";
import { and, asc, eq, inArray, sql } from "drizzle-orm";
import { writeAudits } from "../../platform/audit/index.ts";
import { decide, type Principal } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";
import { writeEvents } from "../../platform/events/index.ts";
import { gainByMove, placeInGroup } from "../groups/index.ts";
import { serverGroups } from "../groups/schema.ts";
import { bulkChange } from "./bulk-change.ts";
import { servers } from "./schema.ts";

interface Changed {
  id: string;
  name: string;
  before: { tags?: readonly string[]; groupId?: string | null };
  after: { tags?: readonly string[]; groupId?: string | null };
  tags: readonly string[];
  groupId: string | null;
}

/**
 * Tags servers and puts them into a group, all in one transaction; what cannot be changed is said by server and does
 * not keep the others. Servers out of reach are reported like ones that do not exist.
 * Throws AppError invalid or forbidden for a group that the principal cannot put servers into.
 */
export async function bulkUpdateServers({
  ctx,
  principal,
  input,
}: {
  ctx: Context;
  principal: Principal;
  input: BulkUpdateServers;
}): Promise<BulkResult> {
  const { organizationId } = principal;
  const outcomes = new Map<string, BulkOutcome>();
  const changed = await ctx.db.transaction(async (tx) => {
    const to = input.groupId === undefined ? null : await placeInGroup(tx, principal, "servers.edit", input.groupId);
    // Always in the same order, so that two of these cannot wait for each other.
    const rows = await tx
      .select({ id: servers.id, name: servers.name, tags: servers.tags, groupId: servers.groupId, teamId: serverGroups.teamId })
      .from(servers)
      .leftJoin(serverGroups, eq(serverGroups.id, servers.groupId))
      .where(and(eq(servers.organizationId, organizationId), inArray(servers.id, input.ids)))
      .orderBy(asc(servers.id))
      .for("update", { of: servers });
    const changes: Changed[] = [];
    for (const { id, name, teamId, ...before } of rows) {
      const from = { organizationId, groupId: before.groupId, teamId };
      const mayEdit = decide(principal, "servers.edit", from);
      const decision = mayEdit === "allow" && to !== null && gainByMove(principal, from, to) !== null ? "forbidden" : mayEdit;
      const after = decision === "allow" ? bulkChange(before, input) : null;
      outcomes.set(
        id,
        decision === "not_found" || decision === "forbidden"
          ? decision
          : typeof after === "string"
            ? after
            : after === null
              ? "unchanged"
              : "changed",
      );
      if (after === null || typeof after === "string") continue;
      const keys = (["tags", "groupId"] as const).filter((key) => JSON.stringify(after[key]) !== JSON.stringify(before[key]));
      const pick = (from: typeof after) => Object.fromEntries(keys.map((key) => [key, from[key]]));
      changes.push({ id, name, before: pick(before), after: pick(after), ...after });
    }
    if (changes.length === 0) return changes;
    const values = JSON.stringify(changes.map(({ id, tags, groupId }) => ({ id, tags, group_id: groupId })));
    await tx.execute(sql`
      update servers s set tags = x.tags, group_id = x.group_id
      from jsonb_to_recordset(${values}::text::jsonb) as x (id uuid, tags text[], group_id uuid) where s.id = x.id`);
    await writeAudits(
      tx,
      principal,
      changes.map(({ id, before, after }) => ({ action: "servers.update", targetKind: "server", targetId: id, before, after })),
    );
    await writeEvents(
      tx,
      principal,
      changes.map(({ id, name, before, after, groupId }) => ({
        type: "server.updated",
        subject: { kind: "server", id, name },
        groupId,
        data: { before, after },
      })),
    );
    return changes;
  });
  for (const { id } of changed) ctx.bus.emit("server.changed", { organizationId, serverId: id });
  return { changed: changed.length, items: input.ids.map((id) => ({ id, outcome: outcomes.get(id) ?? "not_found" })) };
}
