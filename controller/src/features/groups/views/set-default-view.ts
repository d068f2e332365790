import { AppError } from "@devflow/errors";
import { and, eq } from "drizzle-orm";
import type { Principal } from "../../../platform/auth/index.ts";
import type { Context } from "../../../platform/context.ts";
import { defaultViews, savedViews } from "../schema.ts";
import { ownerOf } from "./owner.ts";

/** Which view the caller's list of servers begins with; null: all servers. Throws AppError invalid for a view that they do not see. */
export async function setDefaultView({
  ctx,
  principal,
  input: { viewId },
}: {
  ctx: Context;
  principal: Principal;
  input: { viewId: string | null };
}): Promise<void> {
  const { organizationId } = principal;
  const userId = ownerOf(principal);
  await ctx.db.transaction(async (tx) => {
    if (viewId === null) {
      await tx.delete(defaultViews).where(and(eq(defaultViews.organizationId, organizationId), eq(defaultViews.userId, userId)));
      return;
    }
    const [view] = await tx
      .select()
      .from(savedViews)
      .where(and(eq(savedViews.id, viewId), eq(savedViews.organizationId, organizationId)))
      .for("share");
    if (view === undefined || (!view.shared && view.userId !== userId)) throw new AppError("invalid", "viewId: there is no such view");
    await tx
      .insert(defaultViews)
      .values({ organizationId, userId, viewId })
      .onConflictDoUpdate({ target: [defaultViews.organizationId, defaultViews.userId], set: { viewId } });
  });
}
