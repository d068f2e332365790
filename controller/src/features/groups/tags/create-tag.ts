import type { CreateTag, Tag } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { count, eq } from "drizzle-orm";
import { writeAudit } from "../../../platform/audit/index.ts";
import type { Principal } from "../../../platform/auth/index.ts";
import type { Context } from "../../../platform/context.ts";
import { tags } from "../schema.ts";

const maxTags = 1_000;

/** Gives a tag a colour and a description before or after servers have it. Throws AppError conflict when it has them already. */
export async function createTag({ ctx, principal, input }: { ctx: Context; principal: Principal; input: CreateTag }): Promise<Tag> {
  const { organizationId } = principal;
  const { name, color = "grey", description = "" } = input;
  await ctx.db.transaction(async (tx) => {
    const [existing] = await tx.select({ count: count() }).from(tags).where(eq(tags.organizationId, organizationId));
    if ((existing?.count ?? 0) >= maxTags)
      throw new AppError("conflict", `There are ${maxTags} tags already; delete those that nobody uses`);
    const made = await tx.insert(tags).values({ organizationId, name, color, description }).onConflictDoNothing().returning();
    if (made.length === 0) throw new AppError("conflict", `There is a tag "${name}" already`);
    await writeAudit(tx, principal, { action: "tags.create", targetKind: "tag", targetId: name, after: { color, description } });
  });
  const [row] = await ctx.sql<{ servers: number }[]>`
    select count(*)::int as servers from servers where organization_id = ${organizationId} and tags @> array[${name}::text]`;
  return { name, color, description, servers: row!.servers };
}
