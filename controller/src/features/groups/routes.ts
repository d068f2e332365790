import { createServerGroup, deletedServerGroup, id, serverGroup, serverGroupList, updateServerGroup } from "@devflow/api";
import { z } from "zod";
import type { Context } from "../../platform/context.ts";
import { type Api, defineRoute, demandConfirmed } from "../../platform/http/index.ts";
import { createGroup } from "./create-group.ts";
import { deleteGroup } from "./delete-group.ts";
import { getGroup, listGroups } from "./group-rows.ts";
import { groupScope } from "./group-scope.ts";
import { updateGroup } from "./update-group.ts";

const path = "/api/v1/groups";
const tag = "groups";

/** Routes of server groups. */
export function groupRoutes(api: Api, ctx: Context): void {
  const one = { path: `${path}/{id}`, tag, params: z.object({ id }), scope: "group" } as const;
  const list = defineRoute({
    method: "get",
    path,
    permission: "servers.read",
    scope: "somewhere",
    tag,
    summary: "Server groups by name, with how many servers are in them",
    response: serverGroupList,
  });
  const create = defineRoute({
    method: "post",
    path,
    permission: "groups.manage",
    reads: "servers.read",
    scope: "somewhere",
    tag,
    summary: "Make a server group",
    body: createServerGroup,
    status: 201,
    response: serverGroup,
  });
  const get = defineRoute({ ...one, method: "get", permission: "servers.read", summary: "One server group", response: serverGroup });
  const update = defineRoute({
    ...one,
    method: "patch",
    permission: "groups.manage",
    reads: "servers.read",
    summary: "Rename or describe a server group, or give it to another team",
    body: updateServerGroup,
    response: serverGroup,
  });
  const remove = defineRoute({
    ...one,
    method: "delete",
    permission: "groups.manage",
    summary: "Delete a server group; its servers stay and are in no group, tokens that put servers into it are revoked",
    stepUp: true,
    response: deletedServerGroup,
  });
  api.scope("group", (groupId) => groupScope(ctx, groupId));
  api.route(list, async ({ principal }) => ({ items: await listGroups({ ctx, principal }) }));
  api.route(create, ({ principal, body }) => createGroup({ ctx, principal, input: body }));
  api.route(get, ({ principal, params }) => getGroup({ ctx, principal, input: { groupId: params.id } }));
  api.route(update, async ({ principal, identity, params, body }) => {
    // Another team's people see it then.
    if (body.teamId !== undefined) await demandConfirmed(ctx, identity);
    return updateGroup({ ctx, principal, input: { ...body, groupId: params.id } });
  });
  api.route(remove, ({ principal, params }) => deleteGroup({ ctx, principal, input: { groupId: params.id } }));
}
