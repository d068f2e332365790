import type { Context } from "../../platform/context.ts";
import { liveText } from "../../platform/http/live/topic.ts";
import type { LiveSubscriber, Topic } from "../../platform/http/index.ts";

/** Topic "server:ID": the 1-second frames of one server, which its agent sends while somebody watches. */
export function liveServer(ctx: Context): Topic {
  const watched = new Map<string, Set<LiveSubscriber>>();
  const tell = (serverId: string, watchers: number) => ctx.bus.emit("live.watchers", { serverId, watchers });

  ctx.bus.on("live.frame", (frame) => {
    const subscribers = watched.get(frame.serverId);
    if (subscribers === undefined) return;
    const text = liveText(frame);
    for (const subscriber of subscribers) subscriber.send(text);
  });

  return {
    name: "server",
    permission: "view",
    withId: true,
    scope: "server",
    open(subscriber, id) {
      const subscribers = watched.get(id) ?? new Set();
      watched.set(id, subscribers.add(subscriber));
      tell(id, subscribers.size);
      return () => {
        if (!subscribers.delete(subscriber)) return;
        if (subscribers.size === 0) watched.delete(id);
        tell(id, subscribers.size);
      };
    },
  };
}
