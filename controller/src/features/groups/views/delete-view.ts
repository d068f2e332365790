import { eq } from "drizzle-orm";
import { writeAudit } from "../../../platform/audit/index.ts";
import type { Principal } from "../../../platform/auth/index.ts";
import type { Context } from "../../../platform/context.ts";
import { savedViews } from "../schema.ts";
import { lockView } from "./lock-view.ts";

/** Deletes a view, also where it is the default. Throws AppError not_found, forbidden. */
export async function deleteView({
  ctx,
  principal,
  input: { viewId },
}: {
  ctx: Context;
  principal: Principal;
  input: { viewId: string };
}): Promise<void> {
  await ctx.db.transaction(async (tx) => {
    const { name, query, shared } = await lockView(tx, principal, viewId);
    await tx.delete(savedViews).where(eq(savedViews.id, viewId));
    await writeAudit(tx, principal, { action: "views.delete", targetKind: "view", targetId: viewId, before: { name, query, shared } });
  });
}
