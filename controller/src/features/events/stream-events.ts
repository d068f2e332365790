import { AppError } from "@devflow/errors";
import type { Identity, Principal } from "../../platform/auth/index.ts";
import { isBehind, sameAccess } from "../../platform/auth/identity-cache.ts";
import type { Context } from "../../platform/context.ts";
import type { Api } from "../../platform/http/index.ts";
import { counter, gauge } from "../../platform/observability/index.ts";
import { eventFrame, type Follower, type Following } from "./follower.ts";
import { beginning, type Position } from "./position.ts";
import { findPosition, newestId, settledPosition } from "./read-events.ts";
import { eventParts } from "./visible.ts";

/** Bytes that wait for a reader at most, give or take an event; what comes beyond is read from the table when the reader has caught up. */
export const maxWaitingBytes = 65_536;
const alive = Buffer.from(": alive\n\n");
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

export interface StreamOptions {
  /** How often a quiet stream says that it lives, and is looked at. Default 15,000. */
  readonly heartbeatMs?: number;
  /** A reader that took nothing for so long is told to come back, and after as long again cut. Default 30,000. */
  readonly hopelessMs?: number;
}

export type StreamEvents = (request: StreamRequest) => Promise<ReadableStream<Uint8Array>>;

/**
 * Server-sent events, each with its id, so that a reader that comes back with the last one misses none and gets none
 * twice. "missed" is sent instead when that event is not there any more. A slow reader holds up nobody: its share waits
 * in the table, and one that takes nothing for long is cut. Ends at once when its session or token does, and with the
 * controller.
 */
export function createStreamEvents(
  ctx: Context,
  api: Pick<Api, "closing">,
  follower: Follower,
  { heartbeatMs = 15_000, hopelessMs = 30_000 }: StreamOptions = {},
): StreamEvents {
  const open = new Set<{ readonly identity: Identity; readonly waitingBytes: () => number; readonly close: () => void }>();
  gauge("devflow_event_streams", "Readers of /api/v1/events/stream", (g) => g.set(open.size));
  gauge("devflow_event_stream_waiting_bytes", "Bytes that wait for readers of /api/v1/events/stream", (g) =>
    g.set([...open].reduce((sum, stream) => sum + stream.waitingBytes(), 0)),
  );
  const cut = counter("devflow_readers_cut_total", "Readers cut since they took nothing for too long", ["kind"]);
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

    let waiting: Buffer[] = [
      Buffer.from(`retry: 2000\n\n${lastEventId !== null && known === null ? "event: missed\ndata: {}\n\n" : ": ok\n\n"}`),
    ];
    let waitingBytes = 0;
    /** Since when something waits that is not taken; null: nothing does. */
    let stalledSince: number | null = null;
    /** It was told to come back, and ends once it has taken that. */
    let last = false;
    let control: ReadableStreamDefaultController<Uint8Array> | null = null;
    let told = false;
    let ended = false;
    let following: Following | null = null;
    /** Wakes the read that waits. */
    let deliver: (() => void) | null = null;
    let heartbeat: NodeJS.Timeout | undefined;

    const say = (bytes: Buffer): void => {
      if (ended || last) return;
      waiting.push(bytes);
      waitingBytes += bytes.length;
      stalledSince ??= performance.now();
      deliver?.();
    };
    /** Asks a reader that takes nothing to come back later; the next time it is cut. */
    const giveUp = (): void => {
      const reason = `You took nothing for ${Math.round(hopelessMs / 1_000)} s; read faster, and go on behind the last event that you have`;
      if (last) {
        cut.inc({ kind: "stream" });
        ctx.log.info(
          { scope: "events", kind: identity.kind, id: identity.id, requestId: principal.requestId },
          "a stream that nobody read was cut",
        );
        stream.close();
        control?.error(new Error(reason));
        return;
      }
      following?.end();
      waiting = [];
      waitingBytes = 0;
      say(Buffer.from(`event: cut\ndata: ${JSON.stringify({ reason })}\n\n`));
      last = true;
      stalledSince = performance.now();
    };
    const stream = {
      identity,
      waitingBytes: () => waitingBytes,
      close() {
        if (ended) return;
        ended = true;
        waiting = [];
        waitingBytes = 0;
        clearInterval(heartbeat);
        following?.end();
        open.delete(stream);
        deliver?.();
      },
    };
    /** So that a reader that breaks off before its first event has where to go on from. */
    const tellStart = async (position: Position): Promise<void> => {
      const newest = await newestId(ctx, principal.organizationId, position);
      if (!told) say(Buffer.from(`id: ${newest ?? startId}\n\n`));
    };
    const beat = (): void => {
      // A reader that takes nothing gets no more of these either.
      if (stalledSince === null) say(alive);
      else if (performance.now() - stalledSince > hopelessMs) return giveUp();
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
        ready: () => waitingBytes < maxWaitingBytes,
        write(row) {
          told = true;
          say(eventFrame(row));
        },
        onBegin(position) {
          // Without it the reader still has all events; it begins anew should it break off before the first.
          if (known === null) tellStart(position).catch(() => undefined);
        },
      });
    };

    return new ReadableStream<Uint8Array>(
      {
        start(controller) {
          control = controller;
        },
        async pull(controller) {
          // With the first read, which never comes for a HEAD request.
          if (following === null && !ended) begin();
          while (waiting.length === 0 && !ended) {
            await new Promise<void>((resolve) => (deliver = resolve));
            deliver = null;
          }
          if (ended) return controller.close();
          const bytes = waiting.length === 1 ? waiting[0]! : Buffer.concat(waiting);
          waiting = [];
          waitingBytes = 0;
          stalledSince = null;
          controller.enqueue(bytes);
          if (!last) return following?.wake();
          stream.close();
          controller.close();
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
