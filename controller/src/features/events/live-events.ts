import type { Context } from "../../platform/context.ts";
import type { Topic } from "../../platform/http/index.ts";
import { eventText, type Follower } from "./follower.ts";
import type { Position } from "./position.ts";
import { settledPosition } from "./read-events.ts";
import { eventParts } from "./visible.ts";

/** Topic "events": what happens within the subscriber's reach from now on, in order, without a gap. */
export function liveEvents(ctx: Pick<Context, "sql">, follower: Follower): Topic<Position> {
  return {
    name: "events",
    permission: "events.read",
    withId: false,
    scope: "somewhere",
    // Before the answer: whatever happens once it is there is told.
    prepare: () => settledPosition(ctx),
    open(subscriber, _id, after) {
      let waiting: string[] = [];
      const flush = (): void => {
        const text = `{"type":"events","events":[${waiting.join(",")}]}`;
        waiting = [];
        subscriber.send(text);
      };
      const following = follower.follow({
        organizationId: subscriber.principal.organizationId,
        parts: eventParts(subscriber.principal),
        types: null,
        after,
        ready: () => subscriber.ready && waiting.length < 500,
        write(row) {
          // What was read together goes out together.
          if (waiting.length === 0) queueMicrotask(flush);
          waiting.push(eventText(row));
        },
      });
      return () => following.end();
    },
  };
}
