import type { Server } from "@devflow/api";
import type { Context } from "../../platform/context.ts";
import { liveText } from "../../platform/http/live/topic.ts";
import type { LiveSubscriber, Topic } from "../../platform/http/index.ts";
import { serversById } from "./list-servers.ts";
import { liveValues } from "./live-values.ts";
import { type Reach, serverReach } from "./within-reach.ts";

const everyMs = 1_000;

interface Watcher {
  readonly subscriber: LiveSubscriber;
  readonly reach: Reach;
  readonly changed: Set<string>;
  readonly removed: Set<string>;
}

/**
 * Topic "servers": states and what else changes seldom, at most once a second, and newest values every 2 s. The changed
 * servers of all watchers of an organisation with the same reach are read by one query; a browser that is too slow gathers ids and gets
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
    const byReach = new Map<string, Map<string, Server>>();
    try {
      for (const [key, group] of Map.groupBy(taken, ({ watcher }) => watcher.reach.key)) {
        const ids = new Set(group.flatMap(({ changed }) => [...changed]));
        const found = await serversById(ctx, organizationId, group[0]!.watcher.reach, [...ids]);
        byReach.set(key, new Map(found.map((server) => [server.id, server])));
      }
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
      const key = `${watcher.reach.key}|${[...changed].join()}|${removed.join()}`;
      const servers = byReach.get(watcher.reach.key)!;
      // What changed and cannot be found was put out of this watcher's reach.
      const gone = watcher.reach.key === "" ? [] : [...changed].filter((id) => !servers.has(id));
      const text =
        texts.get(key) ??
        liveText({ type: "servers", changed: [...changed].flatMap((id) => servers.get(id) ?? []), removed: [...removed, ...gone] });
      texts.set(key, text);
      watcher.subscriber.send(text);
    }
  };

  return {
    name: "servers",
    permission: "servers.read",
    scope: "somewhere",
    withId: false,
    open(subscriber) {
      const { organizationId } = subscriber.principal;
      const watcher: Watcher = { subscriber, reach: serverReach(subscriber.principal), changed: new Set(), removed: new Set() };
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
