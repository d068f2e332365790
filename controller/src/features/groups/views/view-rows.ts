import type { SavedView, ViewQuery } from "@devflow/api";
import type { Fragment } from "postgres";
import { holds, type Principal } from "../../../platform/auth/index.ts";
import type { Context } from "../../../platform/context.ts";

interface Row extends Pick<SavedView, "id" | "name" | "shared" | "isDefault"> {
  userId: string;
  query: ViewQuery;
  createdMs: number;
}

/** Whether somebody may change a view: their own, and shared ones with "views.share". */
export const mayChangeView = (principal: Principal, view: { userId: string; shared: boolean }): boolean =>
  view.userId === principal.userId || (view.shared && holds(principal.access, "views.share"));

/** Own views and shared ones that `condition` keeps of views v, by name. */
export async function viewRows({ sql }: Pick<Context, "sql">, principal: Principal, condition: Fragment): Promise<SavedView[]> {
  const { organizationId, userId } = principal;
  const rows = await sql<Row[]>`
    select v.id, v.name, v.query, v.shared, v.user_id as "userId", d.view_id is not null as "isDefault",
      extract(epoch from v.created_at)::float8 * 1000 as "createdMs"
    from saved_views v left join default_views d on d.view_id = v.id and d.organization_id = v.organization_id and d.user_id = ${userId}
    where v.organization_id = ${organizationId} and (v.shared or v.user_id = ${userId}) ${condition}
    order by lower(v.name), v.id`;
  return rows.map(({ userId: owner, createdMs, ...view }) => ({
    ...view,
    mine: owner === userId,
    mayChange: mayChangeView(principal, { userId: owner, shared: view.shared }),
    createdAt: new Date(createdMs).toISOString(),
  }));
}
