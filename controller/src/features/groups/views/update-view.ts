import type { SavedView, UpdateSavedView } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { and, eq, ne } from "drizzle-orm";
import { writeAudit } from "../../../platform/audit/index.ts";
import { demandPermission, type Principal } from "../../../platform/auth/index.ts";
import type { Context } from "../../../platform/context.ts";
import { defaultViews, savedViews } from "../schema.ts";
import { lockView } from "./lock-view.ts";
import { viewNameTaken } from "./name-taken.ts";
import { viewRows } from "./view-rows.ts";

/**
 * Changes a view. One that is no longer shared is nobody else's default any more.
 * Throws AppError not_found (also for somebody else's private one), forbidden, conflict (name taken).
 */
export async function updateView({
  ctx,
  principal,
  input: { viewId, ...wanted },
}: {
  ctx: Context;
  principal: Principal;
  input: UpdateSavedView & { viewId: string };
}): Promise<SavedView> {
  await ctx.db.transaction(async (tx) => {
    const view = await lockView(tx, principal, viewId);
    const after = { name: wanted.name ?? view.name, query: wanted.query ?? view.query, shared: wanted.shared ?? view.shared };
    if (!after.shared && view.userId !== principal.userId)
      throw new AppError("forbidden", "Only the person whose view it is can take it back; delete it instead");
    if (after.shared && !view.shared) demandPermission(principal, "views.share");
    const [other] = await tx
      .select({ id: savedViews.id })
      .from(savedViews)
      .where(
        and(
          eq(savedViews.organizationId, view.organizationId),
          eq(savedViews.userId, view.userId),
          eq(savedViews.name, after.name),
          ne(savedViews.id, viewId),
        ),
      );
    if (other !== undefined) throw viewNameTaken(after.name);
    await tx.update(savedViews).set(after).where(eq(savedViews.id, viewId));
    if (!after.shared) await tx.delete(defaultViews).where(and(eq(defaultViews.viewId, viewId), ne(defaultViews.userId, view.userId)));
    await writeAudit(tx, principal, {
      action: "views.update",
      targetKind: "view",
      targetId: viewId,
      before: { name: view.name, query: view.query, shared: view.shared },
      after,
    });
  });
  const [view] = await viewRows(ctx, principal, ctx.sql`and v.id = ${viewId}`);
  if (view === undefined) throw new AppError("not_found", "There is no such view");
  return view;
}
