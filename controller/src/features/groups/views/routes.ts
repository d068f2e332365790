import { createSavedView, defaultView, id, savedView, savedViewList, updateSavedView } from "@devflow/api";
import { eq } from "drizzle-orm";
import { z } from "zod";
import type { Context } from "../../../platform/context.ts";
import { type Api, defineRoute } from "../../../platform/http/index.ts";
import { savedViews } from "../schema.ts";
import { createView } from "./create-view.ts";
import { deleteView } from "./delete-view.ts";
import { setDefaultView } from "./set-default-view.ts";
import { updateView } from "./update-view.ts";
import { viewRows } from "./view-rows.ts";

const path = "/api/v1/views";
const tag = "groups";

/** Routes of saved views. Whose a view is stands in its verbs: a private one is there for nobody else, owners included. */
export function viewRoutes(api: Api, ctx: Context): void {
  const one = { path: `${path}/{id}`, tag, params: z.object({ id }), scope: "view", permission: "authenticated" } as const;
  const list = defineRoute({
    method: "get",
    path,
    permission: "servers.read",
    scope: "somewhere",
    tag,
    summary: "Own and shared views of the server list, by name",
    response: savedViewList,
  });
  const create = defineRoute({
    method: "post",
    path,
    permission: "servers.read",
    scope: "somewhere",
    tag,
    summary: "Keep a list of servers under a name",
    body: createSavedView,
    status: 201,
    response: savedView,
  });
  const update = defineRoute({ ...one, method: "patch", summary: "Change a view", body: updateSavedView, response: savedView });
  const remove = defineRoute({ ...one, method: "delete", summary: "Delete a view", status: 204, response: null });
  const setDefault = defineRoute({
    method: "put",
    path: "/api/v1/me/default-view",
    permission: "authenticated",
    tag,
    summary: "The view that the caller's list of servers begins with; null for all servers",
    body: defaultView,
    status: 204,
    response: null,
  });
  api.scope("view", async (viewId) => {
    const [view] = await ctx.db.select({ organizationId: savedViews.organizationId }).from(savedViews).where(eq(savedViews.id, viewId));
    return view ?? null;
  });
  api.route(list, async ({ principal }) => ({ items: await viewRows(ctx, principal, ctx.sql``) }));
  api.route(create, ({ principal, body }) => createView({ ctx, principal, input: body }));
  api.route(update, ({ principal, params, body }) => updateView({ ctx, principal, input: { ...body, viewId: params.id } }));
  api.route(remove, ({ principal, params }) => deleteView({ ctx, principal, input: { viewId: params.id } }));
  api.route(setDefault, ({ principal, body }) => setDefaultView({ ctx, principal, input: body }));
}
