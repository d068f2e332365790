import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { BatchSchema, RejectionReason, type Batch, type PushResponse, type TelemetryService } from "@devflow/proto/metrics/v1/metrics";
import type { ClientStream } from "@devflow/rpc";
import type { Logger } from "pino";
import type { SettledClock } from "./clock.ts";
import { timeOf } from "./intervals.ts";
import { FRESH_BATCHES, nextSend } from "./lanes.ts";
import type { SpoolRecord } from "./spool/record.ts";
import type { Spool } from "./spool/spool.ts";

/** Bytes of batches in one message; the gateway takes 1 MiB. */
const MESSAGE_BYTES = 768 * 1024;

export interface Tally {
  committed: number;
  rejected: number;
  /** In words. */
  lastRejection: string;
}

export interface SenderParts {
  readonly spool: Spool;
  readonly clock: SettledClock;
  readonly bootId: string;
  readonly steadyNow: () => number;
  readonly log: Logger;
  readonly tally: Tally;
  /** Sequences that were in flight when a bound broke; shared by the connections of a session. */
  readonly suspects: Set<number>;
  readonly onCommitted?: ((batch: { sequence: number; timeS: number; waitedMs: number }) => void) | undefined;
}

/** Sends batches over one Push stream and settles them in the spool as they are answered. */
export class Sender {
  readonly #parts: SenderParts;
  readonly #stream: ClientStream<typeof TelemetryService, "push">;
  readonly #maxInFlight: number;
  readonly #inFlight = new Map<number, { timeS: number; sentMs: number; backfill: boolean }>();
  #backfillInFlight = 0;
  #backfillFromMs = 0;
  #paced = false;
  #blocked = false;
  #closed = false;
  #paused = false;
  #pumping = false;
  #again = false;
  #timer: NodeJS.Timeout | null = null;
  #idle: (() => void)[] = [];

  constructor(parts: SenderParts, stream: ClientStream<typeof TelemetryService, "push">, maxInFlight: number) {
    this.#parts = parts;
    this.#stream = stream;
    this.#maxInFlight = Math.min(Math.max(maxInFlight, 1), 1024);
    stream.on("data", (response: PushResponse) => this.#answered(response));
    stream.on("drain", () => {
      this.#blocked = false;
      this.wake();
    });
  }

  get inFlight(): ReadonlyMap<number, unknown> {
    return this.#inFlight;
  }

  /** Something may be sent. */
  wake(): void {
    if (this.#pumping) {
      this.#again = true;
      return;
    }
    this.#pumping = true;
    void this.#pump()
      .catch((error: unknown) => this.#parts.log.error({ err: error }, "sending failed"))
      .finally(() => {
        this.#pumping = false;
        if (this.#again) {
          this.#again = false;
          this.wake();
        } else this.#tellIdle();
      });
  }

  /** Sends nothing more; what is in flight is still answered. */
  pause(): void {
    this.#paused = true;
    this.#tellIdle();
  }

  close(): void {
    this.#closed = true;
    if (this.#timer) clearTimeout(this.#timer);
    this.#tellIdle();
  }

  /** Resolves when nothing is in flight and, unless paused, no fresh batch waits; or after the time. */
  async idle(withinMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, withinMs);
    this.#idle.push(resolve);
    this.#tellIdle();
    await promise;
    clearTimeout(timer);
  }

  async #pump(): Promise<void> {
    while (!this.#closed && !this.#paused && !this.#blocked && (await this.#sendNext())) this.#again = false;
  }

  async #sendNext(): Promise<boolean> {
    const { spool, suspects, steadyNow } = this.#parts;
    const fresh = this.#freshWaiting();
    const next = nextSend({
      maxInFlight: this.#maxInFlight,
      inFlight: this.#inFlight.size,
      freshWaiting: fresh.length,
      backlogWaiting: this.#nextBacklog() !== undefined,
      backfillWaitMs: this.#backfillFromMs - steadyNow(),
      paced: this.#paced,
      backfillInFlight: this.#backfillInFlight,
      suspects: suspects.size > 0,
    });
    if (next === null) {
      this.#wakeLater();
      return false;
    }
    if (next.lane === "fresh") return this.#write(fresh.slice(-next.count), false);
    const records: SpoolRecord[] = [];
    const looked = new Set<number>();
    for (let bytes = 0; records.length < next.count;) {
      const sequence = this.#nextBacklog(looked);
      if (sequence === undefined) break;
      looked.add(sequence);
      const record = await spool.read(sequence);
      if (record && bytes > 0 && bytes + record.batch.length > MESSAGE_BYTES) break;
      // It may have been dropped while it was read.
      if (!record || !spool.has(sequence)) continue;
      records.push(record);
      bytes += record.batch.length;
    }
    if (this.#closed || this.#paused) return false;
    return records.length === 0 ? true : this.#write(records, true);
  }

  #write(records: SpoolRecord[], backfill: boolean): boolean {
    const { spool, steadyNow, log } = this.#parts;
    const batches: Batch[] = [];
    for (const record of records) {
      try {
        const batch = this.#prepare(record, backfill);
        batches.push(batch);
        this.#inFlight.set(record.sequence, { timeS: Number(batch.timeS), sentMs: steadyNow(), backfill });
        if (backfill) this.#backfillInFlight++;
      } catch (error) {
        log.error({ err: error, sequence: record.sequence }, "a stored batch cannot be read and is given up");
        spool.settle(record.sequence);
      }
    }
    if (batches.length > 0 && !this.#stream.write({ spoolId: spool.spoolId, batches })) this.#blocked = true;
    return !this.#blocked;
  }

  #prepare(record: SpoolRecord, backfill: boolean): Batch {
    const { clock, bootId } = this.#parts;
    const batch = fromBinary(BatchSchema, record.batch);
    batch.backfill = backfill;
    // Recorded before the first Welcome of this boot: its time is known only now. Of another boot: the estimate stays.
    if (!record.settled && clock.settled && batch.bootId === bootId)
      batch.timeS = BigInt(timeOf(Number(batch.monotonicMs), clock.offsetMs));
    return batch;
  }

  #freshWaiting(): SpoolRecord[] {
    const { spool } = this.#parts;
    return [...spool.recent()].filter((record) => record.sequence > spool.newest - FRESH_BATCHES && !this.#inFlight.has(record.sequence));
  }

  /** The oldest waiting batch that the fresh lane does not carry; after a restart that may be a fresh one on disk. */
  #nextBacklog(looked: ReadonlySet<number> = new Set()): number | undefined {
    const { spool } = this.#parts;
    const carried = new Set(this.#freshWaiting().map((record) => record.sequence));
    for (let n = spool.waitingFrom(0); n !== undefined; n = spool.waitingFrom(n + 1)) {
      if (!this.#inFlight.has(n) && !looked.has(n) && !carried.has(n)) return n;
    }
    return undefined;
  }

  #answered(response: PushResponse): void {
    const { spool, tally, log, suspects, steadyNow, onCommitted } = this.#parts;
    for (const { first, last } of response.committed) {
      // Deleting the current key while walking a Map is safe.
      for (const sequence of this.#inFlight.keys()) {
        if (sequence < Number(first) || sequence > Number(last)) continue;
        const sent = this.#settle(sequence);
        tally.committed++;
        onCommitted?.({ sequence, timeS: sent.timeS, waitedMs: steadyNow() - sent.sentMs });
      }
    }
    for (const { sequence, reason, detail } of response.rejected) {
      if (!this.#inFlight.has(Number(sequence))) continue;
      this.#settle(Number(sequence));
      tally.rejected++;
      tally.lastRejection = `${RejectionReasonName[reason] ?? "refused"}: ${detail}`;
      log.warn({ sequence: Number(sequence), reason: tally.lastRejection }, "the controller refused a batch for good");
    }
    for (const sequence of suspects) if (!spool.has(sequence)) suspects.delete(sequence);
    this.#paced = response.backfillDelayMs > 0;
    if (this.#paced) this.#backfillFromMs = steadyNow() + response.backfillDelayMs;
    this.wake();
  }

  #settle(sequence: number): { timeS: number; sentMs: number } {
    const sent = this.#inFlight.get(sequence) as { timeS: number; sentMs: number; backfill: boolean };
    if (sent.backfill) this.#backfillInFlight--;
    this.#inFlight.delete(sequence);
    this.#parts.spool.settle(sequence);
    return sent;
  }

  #wakeLater(): void {
    const waitMs = this.#backfillFromMs - this.#parts.steadyNow();
    if (waitMs <= 0 || this.#timer) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.wake();
    }, waitMs);
  }

  #tellIdle(): void {
    const done = this.#closed || (this.#inFlight.size === 0 && (this.#paused || (!this.#pumping && this.#freshWaiting().length === 0)));
    if (!done) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}

const RejectionReasonName: Readonly<Record<number, string>> = {
  [RejectionReason.TOO_OLD]: "too old",
  [RejectionReason.IN_FUTURE]: "in the future",
  [RejectionReason.MALFORMED]: "malformed",
  [RejectionReason.OUT_OF_RANGE]: "out of range",
  [RejectionReason.TOO_MANY_INSTANCES]: "too many instances",
};

/** Serialized form of a new batch, as the spool keeps it. */
export const encodeBatch = (batch: {
  sequence: number;
  timeS: number;
  bootId: string;
  endMs: number;
  samples: number;
  families: Batch["families"];
}): Uint8Array =>
  toBinary(
    BatchSchema,
    create(BatchSchema, {
      sequence: BigInt(batch.sequence),
      timeS: BigInt(batch.timeS),
      bootId: batch.bootId,
      monotonicMs: BigInt(Math.round(batch.endMs)),
      samples: batch.samples,
      families: batch.families,
    }),
  );
