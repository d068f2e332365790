import { AppError } from "@devflow/errors";
import { and, eq } from "drizzle-orm";
import type { Principal } from "../../../platform/auth/index.ts";
import type { Database } from "../../../platform/db/index.ts";
import { savedViews } from "../schema.ts";
import { mayChangeView } from "./view-rows.ts";

/** A view that the principal may change, locked. Throws AppError not_found (also for somebody else's private one), forbidden. */
export async function lockView(tx: Pick<Database, "select">, principal: Principal, viewId: string) {
  const [view] = await tx
    .select()
    .from(savedViews)
    .where(and(eq(savedViews.id, viewId), eq(savedViews.organizationId, principal.organizationId)))
    .for("update");
  if (view === undefined || (!view.shared && view.userId !== principal.userId)) throw new AppError("not_found", "There is no such view");
  if (!mayChangeView(principal, view))
    throw new AppError("forbidden", 'Views that others share are changed by them, or with the permission "views.share"');
  return view;
}
