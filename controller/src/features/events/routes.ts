import { eventListQuery, eventPage, eventRetention } from "@devflow/api";
import type { Context } from "../../platform/context.ts";
import { type Api, defineRoute } from "../../platform/http/index.ts";
import { listEvents } from "./list-events.ts";
import { putEventRetention, readEventRetention } from "./retention.ts";

const tag = "events";
const settingsPath = "/api/v1/settings/event-retention";

/** Routes of what happened. */
export function eventRoutes(api: Api, ctx: Context): void {
  const list = defineRoute({
    method: "get",
    path: "/api/v1/events",
    permission: "events.read",
    scope: "somewhere",
    tag,
    summary: "What happened, newest first",
    query: eventListQuery,
    response: eventPage,
  });
  const readRetention = defineRoute({
    method: "get",
    path: settingsPath,
    permission: "installation.manage",
    tag: "settings",
    summary: "For how long events are kept",
    response: eventRetention,
  });
  const changeRetention = defineRoute({
    method: "put",
    path: settingsPath,
    permission: "installation.manage",
    tag: "settings",
    summary: "Settle for how long events are kept",
    body: eventRetention,
    response: eventRetention,
  });
  api.route(list, ({ principal, query }) => listEvents({ ctx, principal, input: query }));
  api.route(readRetention, () => readEventRetention({ ctx }));
  api.route(changeRetention, ({ principal, body }) => putEventRetention({ ctx, principal, input: body }));
}
