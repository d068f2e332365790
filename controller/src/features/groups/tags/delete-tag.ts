import type { ChangedTag } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { sql } from "drizzle-orm";
import { writeAudit } from "../../../platform/audit/index.ts";
import type { Principal } from "../../../platform/auth/index.ts";
import type { Context } from "../../../platform/context.ts";
import { lockTags } from "./lock-tags.ts";
import { tagState } from "./tag-state.ts";

/** Takes a tag from all servers and tokens, and its colour and description with it. Throws AppError not_found. */
export async function deleteTag({
  ctx,
  principal,
  input: { tag },
}: {
  ctx: Context;
  principal: Principal;
  input: { tag: string };
}): Promise<ChangedTag> {
  const { organizationId } = principal;
  const ids = await ctx.db.transaction(async (tx) => {
    await lockTags(tx, organizationId);
    const before = await tagState(tx, organizationId, tag);
    if (before === null) throw new AppError("not_found", "There is no such tag");
    const without = sql`set tags = array_remove(tags, ${tag}) where organization_id = ${organizationId} and tags @> array[${tag}::text]`;
    const rows = await tx.execute<{ id: string }>(sql`update servers ${without} returning id`);
    await tx.execute(sql`update enrolment_tokens ${without}`);
    await tx.execute(sql`delete from tags where organization_id = ${organizationId} and name = ${tag}`);
    await writeAudit(tx, principal, {
      action: "tags.delete",
      targetKind: "tag",
      targetId: tag,
      before: { color: before.color, description: before.description, servers: rows.length },
    });
    return rows.map(({ id }) => id);
  });
  for (const serverId of ids) ctx.bus.emit("server.changed", { organizationId, serverId });
  return { tag: null, servers: ids.length };
}
