import { holderList, id, shareGroup as shareGroupBody, unshareQuery } from "@devflow/api";
import { z } from "zod";
import type { Context } from "../../../platform/context.ts";
import { type Api, defineRoute } from "../../../platform/http/index.ts";
import { holdersOver } from "./holders.ts";
import { shareGroup, unshareGroup } from "./share-group.ts";

const path = "/api/v1/groups/{id}/grants";
const of = { tag: "organizations", params: z.object({ id }), scope: "group", permission: "groups.manage" } as const;

/** Routes of sharing: who has a role over one server group. */
export function grantRoutes(api: Api, ctx: Context): void {
  const list = defineRoute({ ...of, method: "get", path, summary: "Who holds a role over a server group itself", response: holderList });
  const share = defineRoute({
    ...of,
    method: "put",
    path,
    summary: "Give a person or team a role over a server group, in the place of the one they had",
    stepUp: true,
    body: shareGroupBody,
    response: holderList,
  });
  const unshare = defineRoute({
    ...of,
    method: "delete",
    path,
    summary: "Take a role over a server group away",
    stepUp: true,
    query: unshareQuery,
    status: 204,
    response: null,
  });
  api.route(list, async ({ principal, params }) => ({ items: await holdersOver(ctx.db, principal, "group", params.id) }));
  api.route(share, async ({ principal, params, body }) => ({
    items: await shareGroup({ ctx, principal, input: { ...body, groupId: params.id } }),
  }));
  api.route(unshare, ({ principal, params, query }) => unshareGroup({ ctx, principal, input: { ...query, groupId: params.id } }));
}
