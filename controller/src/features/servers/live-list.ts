import type { Server } from "@devflow/api";
import type { Context } from "../../platform/context.ts";
import { liveText } from "../../platform/http/live/topic.ts";
import type { LiveSubscriber, Topic } from "../../platform/http/index.ts";
import { serversById } from "./list-servers.ts";
import { liveValues } from "./live-values.ts";

const everyMs = 1_000;

interface Watcher {
  readonly subscriber: LiveSubscriber;
  readonly changed: Set<string>;
  readonly removed: Set<string>;
}

/**
 * Topic "servers": states and what else changes seldom, at most once a second, and newest values every 2 s. The changed
 * servers of all watchers of an organisation are read by one query; a browser that is too slow gathers ids and gets
 * them in one message later.
 */
export function liveList(ctx: Context): Topic {
  const organizations = new Map<string, Set<Watcher>>();
  const openValues = liveValues(ctx);
  let timer: NodeJS.Timeout | undefined;

  const note = (kind: "changed" | "removed") => (event: { organizationId: string; serverId: string }) => {
    const watchers = organizations.get(event.organizationId);
    if (watchers === undefined) return;
    for (const watcher of watchers) {
      watcher[kind].add(event.serverId);
      if (kind === "removed") watcher.changed.delete(event.serverId);
    }
    timer ??= setTimeout(tick, everyMs);
  };
  ctx.bus.on("server.changed", note("changed"));
  ctx.bus.on("server.removed", note("removed"));

  const tick = () => {
    timer = undefined;
    for (const [organizationId, watchers] of organizations) {
      flush(organizationId, watchers).catch((error: unknown) =>
        ctx.log.warn({ scope: "servers.live", err: error }, "could not read changed servers"),
      );
    }
  };

  const flush = async (organizationId: string, watchers: Set<Watcher>) => {
    const due = [...watchers].filter(({ subscriber, changed, removed }) => subscriber.ready && changed.size + removed.size > 0);
    if (due.length < watchers.size && [...watchers].some(({ changed, removed }) => changed.size + removed.size > 0))
      timer ??= setTimeout(tick, everyMs);
    if (due.length === 0) return;
    const taken = due.map((watcher) => ({ watcher, changed: new Set(watcher.changed), removed: [...watcher.removed] }));
    for (const { watcher } of taken) {
      watcher.changed.clear();
      watcher.removed.clear();
    }
    let servers: Map<string, Server>;
    try {
      const ids = new Set(taken.flatMap(({ changed }) => [...changed]));
      servers = new Map((await serversById(ctx, organizationId, [...ids])).map((server) => [server.id, server]));
    } catch (error) {
      // Kept for the next second, so that a pause of the database loses no change.
      for (const { watcher, changed, removed } of taken) {
        changed.forEach((id) => watcher.changed.add(id));
        removed.forEach((id) => watcher.removed.add(id));
      }
      timer ??= setTimeout(tick, everyMs);
      throw error;
    }
    // Browsers that watched equally long get the same text.
    const texts = new Map<string, string>();
    for (const { watcher, changed, removed } of taken) {
      if (!watchers.has(watcher)) continue;
      const key = `${[...changed].join()}|${removed.join()}`;
      const text = texts.get(key) ?? liveText({ type: "servers", changed: [...changed].flatMap((id) => servers.get(id) ?? []), removed });
      texts.set(key, text);
      watcher.subscriber.send(text);
    }
  };

  return {
    name: "servers",
    permission: "view",
    withId: false,
    open(subscriber) {
      const { organizationId } = subscriber.principal;
      const watcher: Watcher = { subscriber, changed: new Set(), removed: new Set() };
      const watchers = organizations.get(organizationId) ?? new Set();
      organizations.set(organizationId, watchers.add(watcher));
      const closeValues = openValues(subscriber);
      return () => {
        closeValues();
        watchers.delete(watcher);
        if (watchers.size === 0) organizations.delete(organizationId);
      };
    },
  };
}
