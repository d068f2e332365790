import type { MessageInitShape } from "@bufbuild/protobuf";
import type { PushRequest, RejectionSchema, TelemetryService } from "@devflow/proto/metrics/v1/metrics";
import type { ServerStream } from "@devflow/rpc";
import { type AgentConnection, status } from "../../platform/rpc/index.ts";
import { MAX_BATCHES_A_REQUEST } from "./ingest-bounds.ts";
import type { IngestWriter } from "./ingest-writer.ts";
import type { BatchSource } from "./open-flush.ts";
import { sequenceRanges } from "./sequence-ranges.ts";

/** Unanswered batches of one agent; Welcome tells it the same number. */
export const MAX_BATCHES_IN_FLIGHT = 64;
/** How long an agent waits between old batches while the writer is busy. */
const BACKFILL_DELAY_MS = 250;

const MAX_SEQUENCE = BigInt(Number.MAX_SAFE_INTEGER);

type PushCall = ServerStream<typeof TelemetryService, "push">;

/**
 * One agent's Push stream: requests in, outcomes back after the commit. Reading stops while too much of this agent or
 * of all agents is unanswered, or while the agent does not read its answers; HTTP/2 then stops the agent.
 */
export function servePush(call: PushCall, connection: AgentConnection, writer: IngestWriter): void {
  const { serverNo } = connection.identity;
  const committed: number[] = [];
  let rejected: MessageInitShape<typeof RejectionSchema>[] = [];
  let inFlight = 0;
  let ended = false;
  let closed = false;

  const mayRead = (): boolean => inFlight < MAX_BATCHES_IN_FLIGHT && !writer.full && !call.writableNeedDrain;
  const goOn = (): void => {
    if (closed || !call.isPaused()) return;
    if (mayRead()) call.resume();
    else if (writer.full) writer.whenReady(goOn);
  };
  const answer = (): void => {
    if (closed || (committed.length === 0 && rejected.length === 0)) return;
    call.write({ committed: sequenceRanges(committed), rejected, backfillDelayMs: writer.pendingRows > 10_000 ? BACKFILL_DELAY_MS : 0 });
    committed.length = 0;
    rejected = [];
  };
  const source: BatchSource = {
    committed(sequence) {
      inFlight--;
      committed.push(sequence);
    },
    rejected(sequence, reason, detail) {
      inFlight--;
      rejected.push({ sequence: BigInt(sequence), reason, detail: detail.slice(0, 500) });
    },
    flushed() {
      answer();
      if (ended && inFlight === 0 && !closed) {
        closed = true;
        call.end();
      } else goOn();
    },
  };
  const fail = (code: status, details: string): void => {
    closed = true;
    call.emit("error", { code, details });
  };

  call.on("data", (request: PushRequest) => {
    if (closed) return;
    if (request.spoolId !== connection.session?.spoolId)
      return fail(status.INVALID_ARGUMENT, "expected the spool id that Hello named; dial again");
    if (request.batches.length > MAX_BATCHES_A_REQUEST)
      return fail(status.INVALID_ARGUMENT, `expected at most ${MAX_BATCHES_A_REQUEST} batches in a request, got ${request.batches.length}`);
    // Its outcome could not even be named: sequences are plain numbers from here on.
    const unusable = request.batches.find((batch) => batch.sequence < 1n || batch.sequence > MAX_SEQUENCE);
    if (unusable !== undefined) return fail(status.INVALID_ARGUMENT, `expected sequences from 1 to 2^53 - 1, got ${unusable.sequence}`);
    inFlight += request.batches.length;
    for (const batch of request.batches) writer.add(source, serverNo, batch);
    if (!closed && !mayRead()) {
      call.pause();
      if (writer.full) writer.whenReady(goOn);
    }
  });
  call.on("drain", goOn);
  call.on("end", () => {
    ended = true;
    if (inFlight === 0 && !closed) {
      closed = true;
      call.end();
    }
  });
  call.on("cancelled", () => {
    closed = true;
  });
  call.on("error", () => {
    closed = true;
  });
}
