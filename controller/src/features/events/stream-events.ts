import { AppError } from "@devflow/errors";
import type { Identity, Principal } from "../../platform/auth/index.ts";
import { isBehind, sameAccess } from "../../platform/auth/identity-cache.ts";
import type { Context } from "../../platform/context.ts";
import type { Api } from "../../platform/http/index.ts";
import { gauge } from "../../platform/observability/index.ts";
import { eventText, type Follower, type Following } from "./follower.ts";
import { beginning, type Position } from "./position.ts";
import { findPosition, newestId, settledPosition } from "./read-events.ts";
import { eventParts } from "./visible.ts";

const heartbeatMs = 15_000;
/** Text that waits for a reader at most; what comes beyond it is read from the table when the reader has caught up. */
const maxWaitingChars = 65_536;
const maxStreamsPerPrincipal = 20;
/** Resumes before the first event: there was none when the stream began. */
const startId = "0";

export interface StreamRequest {
  readonly principal: Principal;
  readonly identity: Identity;
  readonly types: readonly string[] | null;
  /** The id of the last event that the reader has; null: begin now. */
  readonly lastEventId: string | null;
  /** Asks again who this is; null when the credentials are no longer good. */
  readonly authenticate: () => Promise<Identity | null>;
}

export type StreamEvents = (request: StreamRequest) => Promise<ReadableStream<Uint8Array>>;

/**
 * Server-sent events, each with its id, so that a reader that comes back with the last one misses none and gets none
 * twice. "missed" is sent instead when that event is not there any more. A slow reader holds up nobody: its share waits
 * in the table. Ends at once when its session or token does, and with the controller.
 */
export function createStreamEvents(ctx: Context, api: Pick<Api, "closing">, follower: Follower): StreamEvents {
  const open = new Set<{ readonly identity: Identity; readonly close: () => void }>();
  gauge("devflow_event_streams", "Readers of /api/v1/events/stream", (g) => g.set(open.size));
  ctx.bus.on("principal.revoked", ({ kind, id }) => {
    for (const stream of open) if (isBehind(stream.identity, kind, id)) stream.close();
  });
  api.closing.addEventListener("abort", () => {
    for (const stream of open) stream.close();
  });

  return async ({ principal, identity, types, lastEventId, authenticate }) => {
    const same = [...open].filter((stream) => stream.identity.kind === identity.kind && stream.identity.id === identity.id);
    if (same.length >= maxStreamsPerPrincipal)
      throw new AppError("rate_limited", `More than ${maxStreamsPerPrincipal} event streams; close some`);
    const known = await positionOf(ctx, principal.organizationId, lastEventId);
    // Before the answer begins: whatever happens once it has is told.
    const after = known ?? (await settledPosition(ctx));

    const encoder = new TextEncoder();
    let waiting: string[] = [`retry: 2000\n\n${lastEventId !== null && known === null ? "event: missed\ndata: {}\n\n" : ": ok\n\n"}`];
    let waitingChars = 0;
    let told = false;
    let ended = false;
    let following: Following | null = null;
    /** Wakes the read that waits. */
    let deliver: (() => void) | null = null;
    let heartbeat: NodeJS.Timeout | undefined;

    const say = (text: string): void => {
      if (ended) return;
      waiting.push(text);
      waitingChars += text.length;
      deliver?.();
    };
    const stream = {
      identity,
      close() {
        if (ended) return;
        ended = true;
        waiting = [];
        clearInterval(heartbeat);
        following?.end();
        open.delete(stream);
        deliver?.();
      },
    };
    /** So that a reader that breaks off before its first event has where to go on from. */
    const tellStart = async (position: Position): Promise<void> => {
      const newest = await newestId(ctx, principal.organizationId, position);
      if (!told) say(`id: ${newest ?? startId}\n\n`);
    };
    const beat = (): void => {
      // A reader that takes nothing gets no more of these either.
      if (waitingChars < maxWaitingChars) say(": alive\n\n");
      authenticate().then(
        (found) => {
          if (found === null || !sameAccess(found, identity)) stream.close();
        },
        // The database is away: what is open stays open until it is back.
        (error: unknown) => ctx.log.debug({ scope: "events", err: error }, "could not check a stream's session again"),
      );
    };
    const begin = (): void => {
      open.add(stream);
      heartbeat = setInterval(beat, heartbeatMs).unref();
      following = follower.follow({
        organizationId: principal.organizationId,
        parts: eventParts(principal),
        types,
        after,
        ready: () => waitingChars < maxWaitingChars,
        write(row) {
          told = true;
          say(`id: ${row.id}\ndata: ${eventText(row)}\n\n`);
        },
        onBegin(position) {
          // Without it the reader still has all events; it begins anew should it break off before the first.
          if (known === null) tellStart(position).catch(() => undefined);
        },
      });
    };

    return new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          // With the first read, which never comes for a HEAD request.
          if (following === null && !ended) begin();
          while (waiting.length === 0 && !ended) {
            await new Promise<void>((resolve) => (deliver = resolve));
            deliver = null;
          }
          if (ended) return controller.close();
          const text = waiting.join("");
          waiting = [];
          waitingChars = 0;
          controller.enqueue(encoder.encode(text));
          following?.wake();
        },
        cancel: () => stream.close(),
      },
      { highWaterMark: 0 },
    );
  };
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Null: there is no such event, any more or at all. */
async function positionOf(ctx: Context, organizationId: string, lastEventId: string | null): Promise<Position | null> {
  if (lastEventId === startId) return beginning;
  return lastEventId !== null && uuid.test(lastEventId) ? await findPosition(ctx, organizationId, lastEventId) : null;
}
