import type { CreateSavedView, SavedView } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { and, count, eq } from "drizzle-orm";
import { writeAudit } from "../../../platform/audit/index.ts";
import { demandPermission, type Principal } from "../../../platform/auth/index.ts";
import type { Context } from "../../../platform/context.ts";
import { savedViews } from "../schema.ts";
import { viewNameTaken } from "./name-taken.ts";
import { ownerOf } from "./owner.ts";
import { viewRows } from "./view-rows.ts";

const maxViews = 100;

/** Keeps a list of servers under a name. Throws AppError conflict (name taken, 100 views), forbidden (sharing without "views.share"). */
export async function createView({
  ctx,
  principal,
  input: { name, query, shared = false },
}: {
  ctx: Context;
  principal: Principal;
  input: CreateSavedView;
}): Promise<SavedView> {
  const { organizationId } = principal;
  const userId = ownerOf(principal);
  if (shared) demandPermission(principal, "views.share");
  const id = await ctx.db.transaction(async (tx) => {
    const mine = and(eq(savedViews.organizationId, organizationId), eq(savedViews.userId, userId));
    const [existing] = await tx.select({ count: count() }).from(savedViews).where(mine);
    if ((existing?.count ?? 0) >= maxViews) throw new AppError("conflict", `You have ${maxViews} views already; delete some first`);
    const [made] = await tx.insert(savedViews).values({ organizationId, userId, name, query, shared }).onConflictDoNothing().returning();
    if (made === undefined) throw viewNameTaken(name);
    await writeAudit(tx, principal, { action: "views.create", targetKind: "view", targetId: made.id, after: { name, query, shared } });
    return made.id;
  });
  const [view] = await viewRows(ctx, principal, ctx.sql`and v.id = ${id}`);
  return view!;
}
