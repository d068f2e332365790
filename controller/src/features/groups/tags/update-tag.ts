import type { ChangedTag, TagColor, UpdateTag } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { sql } from "drizzle-orm";
import { writeAudit } from "../../../platform/audit/index.ts";
import type { Principal } from "../../../platform/auth/index.ts";
import type { Context } from "../../../platform/context.ts";
import { lockTags } from "./lock-tags.ts";
import { tagState } from "./tag-state.ts";

/**
 * Renames, colours or describes a tag wherever it is, in one statement. With the name of another tag the two become
 * one: servers that had both have it once, and the other's colour and description stay unless new ones are given.
 * Throws AppError not_found for a tag that nobody has and nobody described.
 */
export async function updateTag({
  ctx,
  principal,
  input: { tag, ...wanted },
}: {
  ctx: Context;
  principal: Principal;
  input: UpdateTag & { tag: string };
}): Promise<ChangedTag> {
  const { organizationId } = principal;
  const name = wanted.name ?? tag;
  const changed = await ctx.db.transaction(async (tx) => {
    await lockTags(tx, organizationId);
    const before = await tagState(tx, organizationId, tag);
    if (before === null) throw new AppError("not_found", "There is no such tag");
    const other = name === tag ? null : await tagState(tx, organizationId, name);
    const color: TagColor = wanted.color ?? (other?.described === true ? other.color : before.color);
    const description = wanted.description ?? (other?.described === true ? other.description : before.description);
    let ids: string[] = [];
    if (name !== tag) {
      const renamed = sql`case when tags @> array[${name}::text] then array_remove(tags, ${tag}) else array_replace(tags, ${tag}, ${name}) end`;
      const where = sql`organization_id = ${organizationId} and tags @> array[${tag}::text]`;
      const rows = await tx.execute<{ id: string }>(sql`update servers set tags = ${renamed} where ${where} returning id`);
      ids = rows.map(({ id }) => id);
      await tx.execute(sql`update enrolment_tokens set tags = ${renamed} where ${where}`);
      await tx.execute(sql`delete from tags where organization_id = ${organizationId} and name = ${tag}`);
    }
    await tx.execute(sql`
      insert into tags (organization_id, name, color, description) values (${organizationId}, ${name}, ${color}, ${description})
      on conflict (organization_id, name) do update set color = excluded.color, description = excluded.description`);
    await writeAudit(tx, principal, {
      action: "tags.update",
      targetKind: "tag",
      targetId: tag,
      before: { name: tag, color: before.color, description: before.description },
      after: { name, color, description, servers: ids.length, ...(other !== null && { merged: true }) },
    });
    return { ids, tag: { name, color, description, servers: (await tagState(tx, organizationId, name))?.servers ?? 0 } };
  });
  for (const serverId of changed.ids) ctx.bus.emit("server.changed", { organizationId, serverId });
  return { tag: changed.tag, servers: changed.ids.length };
}
