import { createRole as createBody, customRoleList, deleteRoleQuery, id, updateRole as updateBody } from "@devflow/api";
import { eq } from "drizzle-orm";
import { z } from "zod";
import { customRoles } from "../../../platform/auth/schema.ts";
import type { Context } from "../../../platform/context.ts";
import { type Api, defineRoute } from "../../../platform/http/index.ts";
import { createRole, deleteRole, updateRole } from "./change-role.ts";
import { listRoles } from "./list-roles.ts";

const path = "/api/v1/roles";
const one = {
  stepUp: true,
  tag: "organizations",
  params: z.object({ id }),
  scope: "role",
  permission: "roles.manage",
  status: 204,
  response: null,
} as const;

/** Routes of custom roles. */
export function roleRoutes(api: Api, ctx: Context): void {
  const list = defineRoute({
    method: "get",
    path,
    permission: "members.read",
    tag: "organizations",
    summary: "Custom roles by name, with where each is in use",
    response: customRoleList,
  });
  const create = defineRoute({
    method: "post",
    path,
    permission: "roles.manage",
    tag: "organizations",
    summary: "Make a custom role",
    stepUp: true,
    body: createBody,
    status: 201,
    response: z.object({ id }),
  });
  const update = defineRoute({ ...one, method: "patch", path: `${path}/{id}`, summary: "Change a custom role", body: updateBody });
  const remove = defineRoute({ ...one, method: "delete", path: `${path}/{id}`, summary: "Delete a custom role", query: deleteRoleQuery });
  api.scope("role", async (roleId) => {
    const [row] = await ctx.db.select({ organizationId: customRoles.organizationId }).from(customRoles).where(eq(customRoles.id, roleId));
    return row ?? null;
  });
  api.route(list, async ({ principal }) => ({ items: await listRoles({ ctx, principal }) }));
  api.route(create, async ({ principal, body }) => ({ id: await createRole({ ctx, principal, input: body }) }));
  api.route(update, ({ principal, params, body }) => updateRole({ ctx, principal, input: { ...body, roleId: params.id } }));
  api.route(remove, ({ principal, params, query }) => deleteRole({ ctx, principal, input: { ...query, roleId: params.id } }));
}
