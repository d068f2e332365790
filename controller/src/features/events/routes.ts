import { eventCountsQuery, eventListQuery, eventPage, eventRetention, eventStreamQuery, timeCounts } from "@devflow/api";
import type { Context } from "../../platform/context.ts";
import { type Api, defineRoute, Reply } from "../../platform/http/index.ts";
import { countEvents } from "./count-events.ts";
import { createFollower } from "./follower.ts";
import { listEvents } from "./list-events.ts";
import { liveEvents } from "./live-events.ts";
import { putEventRetention, readEventRetention } from "./retention.ts";
import { createStreamEvents } from "./stream-events.ts";

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
  const counts = defineRoute({
    method: "get",
    path: "/api/v1/events/counts",
    permission: "events.read",
    scope: "somewhere",
    tag,
    summary: "How often each type of event happened, by the hour or day",
    query: eventCountsQuery,
    response: timeCounts,
  });
  const stream = defineRoute({
    method: "get",
    path: "/api/v1/events/stream",
    permission: "events.read",
    scope: "somewhere",
    tag,
    summary: "What happens, as server-sent events; resumes behind Last-Event-ID",
    query: eventStreamQuery,
    response: null,
    mediaType: "text/event-stream",
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
    stepUp: true,
    body: eventRetention,
    response: eventRetention,
  });
  api.route(list, ({ principal, query }) => listEvents({ ctx, principal, input: query }));
  api.route(counts, ({ principal, query }) => countEvents({ ctx, principal, input: query }));
  const follower = createFollower(ctx);
  api.closing.addEventListener("abort", () => follower.close());
  const streamEvents = createStreamEvents(ctx, api, follower);
  api.route(stream, async ({ principal, identity, query, headers, address }) => {
    const caller = { address, userAgent: headers.get("user-agent") };
    const body = await streamEvents({
      principal,
      identity: identity!,
      types: query.types ?? null,
      lastEventId: headers.get("last-event-id") ?? query.after ?? null,
      authenticate: async () => (await api.auth.authenticate(headers, caller))?.identity ?? null,
    });
    return new Reply(body, [
      ["content-type", "text/event-stream"],
      // Proxies that gather answers before they pass them on are told not to.
      ["x-accel-buffering", "no"],
    ]);
  });
  api.topic(liveEvents(ctx, follower));
  api.route(readRetention, () => readEventRetention({ ctx }));
  api.route(changeRetention, ({ principal, body }) => putEventRetention({ ctx, principal, input: body }));
}
