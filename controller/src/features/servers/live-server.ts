import type { LiveServerMessage } from "@devflow/api";
import { decide } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";
import { liveText } from "../../platform/http/live/topic.ts";
import type { LiveSubscriber, Topic } from "../../platform/http/index.ts";
import { serverScope } from "./server-scope.ts";

type Frame = Extract<LiveServerMessage, { type: "frame" }>;

/** Seconds that are kept of a watched server, for whoever joins. */
const KEEP_FRAMES = 120;

/** Topic "server:ID": the 1-second frames of one server, which its agent sends while somebody watches. */
export function liveServer(ctx: Context): Topic {
  const watched = new Map<string, { readonly subscribers: Set<LiveSubscriber>; frames: Frame[] }>();
  const tell = (serverId: string, watchers: number) => ctx.bus.emit("live.watchers", { serverId, watchers });
  const historyText = (serverId: string, frames: readonly Frame[]): string =>
    liveText({ type: "frames", serverId, frames: frames.map(({ timeMs, rows }) => ({ timeMs, rows })) });

  ctx.bus.on("live.frame", (frame) => {
    const server = watched.get(frame.serverId);
    if (server === undefined) return;
    server.frames.push(frame);
    if (server.frames.length > KEEP_FRAMES) server.frames.shift();
    const text = liveText(frame);
    for (const subscriber of server.subscribers) subscriber.send(text);
  });
  ctx.bus.on("live.history", ({ serverId, frames }) => {
    const server = watched.get(serverId);
    if (server === undefined) return;
    const known = new Set(server.frames.map((frame) => frame.timeMs));
    const missing = frames.filter((frame) => !known.has(frame.timeMs));
    if (missing.length === 0) return;
    server.frames = [...missing, ...server.frames].toSorted((a, b) => a.timeMs - b.timeMs).slice(-KEEP_FRAMES);
    const text = historyText(serverId, missing);
    for (const subscriber of server.subscribers) subscriber.send(text);
  });

  // A server that was put into another group, or deleted, is out of sight for some who watch it.
  const checkReach = async (serverId: string) => {
    const server = watched.get(serverId);
    if (server === undefined) return;
    const scope = await serverScope(ctx, serverId);
    for (const subscriber of server.subscribers) if (decide(subscriber.principal, "servers.read", scope) !== "allow") subscriber.drop();
  };
  for (const type of ["server.changed", "server.removed"] as const)
    ctx.bus.on(type, ({ serverId }) => {
      checkReach(serverId).catch((error: unknown) =>
        ctx.log.warn({ scope: "servers.live", err: error, serverId }, "could not check who may still watch a server"),
      );
    });

  return {
    name: "server",
    permission: "servers.read",
    withId: true,
    scope: "server",
    open(subscriber, id) {
      const server = watched.get(id) ?? { subscribers: new Set(), frames: [] };
      watched.set(id, server);
      if (server.frames.length > 0) subscriber.send(historyText(id, server.frames));
      server.subscribers.add(subscriber);
      tell(id, server.subscribers.size);
      return () => {
        if (!server.subscribers.delete(subscriber)) return;
        if (server.subscribers.size === 0) watched.delete(id);
        tell(id, server.subscribers.size);
      };
    },
  };
}
