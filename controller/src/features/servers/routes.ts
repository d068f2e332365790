import {
  bulkResult,
  bulkUpdateServers as bulkUpdateBody,
  fleetSummary as fleetSummarySchema,
  id,
  server,
  type Server,
  serverFilter,
  serverListQuery,
  serverPage,
  updateServer as updateServerBody,
} from "@devflow/api";
import { z } from "zod";
import type { Context } from "../../platform/context.ts";
import { type Api, defineRoute } from "../../platform/http/index.ts";
import { deleteServer, releaseServer, revokeServer } from "../enrolment/index.ts";
import { bulkUpdateServers } from "./bulk-update-servers.ts";
import { fleetSummary } from "./fleet-summary.ts";
import { getServer } from "./get-server.ts";
import { listServers } from "./list-servers.ts";
import { liveList } from "./live-list.ts";
import { liveServer } from "./live-server.ts";
import { serverScope } from "./server-scope.ts";
import { updateServer } from "./update-server.ts";

const path = "/api/v1/servers";
const tag = "servers";

/** Routes and live topics of servers. */
export function serverRoutes(api: Api, ctx: Context): void {
  const one = {
    path: `${path}/{id}`,
    tag,
    params: z.object({ id }),
    scope: "server",
  } as const;
  const list = defineRoute({
    method: "get",
    path,
    permission: "servers.read",
    scope: "somewhere",
    tag,
    summary: "Servers with state and newest values",
    shared: true,
    query: serverListQuery,
    response: serverPage,
  });
  const summary = defineRoute({
    method: "get",
    path: `${path}/summary`,
    permission: "servers.read",
    scope: "somewhere",
    tag,
    summary: "Counts and medians over all servers, or those that a filter lets pass",
    query: serverFilter,
    shared: true,
    response: fleetSummarySchema,
  });
  const get = defineRoute({
    ...one,
    method: "get",
    permission: "servers.read",
    summary: "One server",
    response: server,
    version: ({ name, tags, groupId }: Server) => [name, tags, groupId],
  });
  const update = defineRoute({
    ...one,
    method: "patch",
    permission: "servers.edit",
    reads: "servers.read",
    summary: "Rename a server, tag it, put it into a group",
    body: updateServerBody,
    response: server,
  });
  const bulk = defineRoute({
    method: "post",
    path: `${path}/bulk`,
    permission: "servers.edit",
    scope: "somewhere",
    tag,
    summary: "Tag up to 1,000 servers or put them into a group, in one transaction",
    body: bulkUpdateBody,
    response: bulkResult,
  });
  const revoke = defineRoute({
    ...one,
    path: `${path}/{id}/revoke`,
    method: "post",
    permission: "servers.remove",
    reads: "servers.read",
    stepUp: true,
    summary: "Take a server's identity away for good; its history stays",
    response: server,
  });
  const release = defineRoute({
    ...one,
    path: `${path}/{id}/release`,
    method: "post",
    permission: "servers.remove",
    reads: "servers.read",
    stepUp: true,
    summary: "Let a quarantined server in again",
    response: server,
  });
  const remove = defineRoute({
    ...one,
    method: "delete",
    permission: "servers.remove",
    summary: "Delete a server with its identity and history",
    stepUp: true,
    status: 204,
    response: null,
  });

  api.route(list, ({ principal, query }) => listServers({ ctx, principal, input: query }));
  api.route(summary, ({ principal, query }) => fleetSummary({ ctx, principal, input: query }));
  api.route(bulk, ({ principal, body }) => bulkUpdateServers({ ctx, principal, input: body }));
  api.route(get, ({ principal, params }) => getServer({ ctx, principal, input: { serverId: params.id } }));
  api.route(update, ({ principal, params, body }) => updateServer({ ctx, principal, input: { ...body, serverId: params.id } }));
  api.route(revoke, async ({ principal, params }) => {
    await revokeServer({ ctx, principal, input: { serverId: params.id } });
    return getServer({ ctx, principal, input: { serverId: params.id } });
  });
  api.route(release, async ({ principal, params }) => {
    await releaseServer({ ctx, principal, input: { serverId: params.id } });
    return getServer({ ctx, principal, input: { serverId: params.id } });
  });
  api.route(remove, async ({ principal, params }) => await deleteServer({ ctx, principal, input: { serverId: params.id } }));

  api.scope("server", (serverId) => serverScope(ctx, serverId));
  api.topic(liveList(ctx));
  api.topic(liveServer(ctx));
}
