import type { LiveRequest, TelemetryService } from "@devflow/proto/metrics/v1/metrics";
import type { ServerStream } from "@devflow/rpc";
import type { Bus } from "../../platform/bus/index.ts";
import { type AgentConnection, status } from "../../platform/rpc/index.ts";
import { decodeFrame } from "./live-frames.ts";

/** Frames that one agent may send: two a second over time, four at once after a stall. */
const FRAMES_A_SECOND = 2;
const BURST = 4;

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
  let tokens = BURST;
  let refilledAt = now();
  let closed = false;
  call.on("data", (request: LiveRequest) => {
    if (closed || !watched()) return;
    const at = now();
    tokens = Math.min(BURST, tokens + (Math.max(0, at - refilledAt) / 1000) * FRAMES_A_SECOND);
    refilledAt = at;
    if (tokens < 1) return;
    tokens--;
    try {
      bus.emit("live.frame", decodeFrame(serverId, request, at));
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
