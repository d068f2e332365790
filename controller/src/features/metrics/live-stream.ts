import type { LiveServerMessage } from "@devflow/api";
import type { LiveRequest, TelemetryService } from "@devflow/proto/metrics/v1/metrics";
import type { ServerStream } from "@devflow/rpc";
import type { Bus } from "../../platform/bus/index.ts";
import { type AgentConnection, status } from "../../platform/rpc/index.ts";
import { decodeFrame } from "./live-frames.ts";

/** Frames that one agent may send: two a second over time, six at once at the start or after a stall. */
const FRAMES = { perSecond: 2, burst: 6 } as const;
/** Seconds before live mode: two minutes at its start, and again when somebody comes back after a short while. */
const HISTORY = { perSecond: 10, burst: 150 } as const;
/** A frame older than this is history. */
const HISTORY_AGE_MS = 3_000;
/** What comes within this is told together. */
const GATHER_MS = 50;

type Frame = Extract<LiveServerMessage, { type: "frame" }>;

function createBucket({ perSecond, burst }: { perSecond: number; burst: number }, now: () => number): () => boolean {
  let tokens: number = burst;
  let refilledAt = now();
  return () => {
    const at = now();
    tokens = Math.min(burst, tokens + (Math.max(0, at - refilledAt) / 1000) * perSecond);
    refilledAt = at;
    if (tokens < 1) return false;
    tokens--;
    return true;
  };
}

/** Of a connection, not of a stream: ending a stream and beginning another gives nothing. */
const buckets = new WeakMap<AgentConnection, { readonly fresh: () => boolean; readonly history: () => boolean }>();

/**
 * One agent's Live stream: frames go to the bus while somebody watches, and nowhere else.
 * @param watched whether a browser watches the server right now
 */
export function serveLive(
  call: ServerStream<typeof TelemetryService, "live">,
  connection: AgentConnection,
  bus: Bus,
  watched: () => boolean,
  now: () => number,
): void {
  const { serverId } = connection.identity;
  const bucket = buckets.get(connection) ?? { fresh: createBucket(FRAMES, now), history: createBucket(HISTORY, now) };
  buckets.set(connection, bucket);
  let history: Frame[] = [];
  let gathering: NodeJS.Timeout | null = null;
  let closed = false;

  const tellHistory = (): void => {
    if (gathering !== null) clearTimeout(gathering);
    gathering = null;
    const frames = history;
    history = [];
    if (frames.length > 0 && !closed) bus.emit("live.history", { serverId, frames });
  };

  call.on("data", (request: LiveRequest) => {
    if (closed || !watched()) return;
    const at = now();
    const old = at - Number(request.readAtMs) > HISTORY_AGE_MS;
    if (!(old ? bucket.history() : bucket.fresh())) return;
    try {
      const frame = decodeFrame(serverId, request, at);
      if (old) {
        history.push(frame);
        gathering ??= setTimeout(tellHistory, GATHER_MS);
        return;
      }
      tellHistory();
      bus.emit("live.frame", frame);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      closed = true;
      call.emit("error", { code: status.INVALID_ARGUMENT, details: error.message });
    }
  });
  call.on("end", () => call.end());
  for (const event of ["cancelled", "error"]) {
    call.on(event, () => {
      closed = true;
    });
  }
}
