import type { Logger } from "pino";
import type { MetricSource, SecondValues } from "../feature.ts";
import type { SettledClock } from "./clock.ts";
import { INTERVAL_MS, Intervals, timeOf, type Cut } from "./intervals.ts";
import { encodeBatch } from "./sender.ts";
import type { Spool } from "./spool/spool.ts";
import type { SteadyClock } from "./steady-clock.ts";

/** A batch above this would not fit a message; a source that makes one is broken. */
const MAX_BATCH_BYTES = 512 * 1024;

export interface RecorderParts {
  readonly sources: readonly MetricSource[];
  readonly spool: Spool;
  readonly clock: SettledClock;
  readonly steady: SteadyClock;
  readonly bootId: string;
  readonly log: Logger;
  /** Where in each second this agent reads, 0 to 999: agents of one installation do not move in step. */
  readonly phaseMs: number;
  /** Milliseconds between samples. Default 1000; more for synthetic agents. */
  readonly sampleMs?: number | undefined;
  readonly onBatch: () => void;
  /** After each sample. */
  readonly onSample: (readAtMs: number, seconds: readonly SecondValues[]) => void;
}

/** Reads the sources each second and puts a batch into the spool every ten, connected or not. */
export class Recorder {
  readonly #parts: RecorderParts;
  readonly #intervals: Intervals;
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;
  #complainedAtMs = -Infinity;

  constructor(parts: RecorderParts) {
    this.#parts = parts;
    const { clock, steady, spool } = parts;
    this.#intervals = new Intervals(steady.now(), clock.offsetMs, clock.settled ? spool.newestTimeS : 0);
  }

  start(): void {
    this.#schedule();
  }

  /** The clock settled or moved. */
  clockMoved(): void {
    const { clock, steady, spool, bootId } = this.#parts;
    let retimedLastS = spool.newestTimeS;
    if (this.#last) retimedLastS = Math.max(retimedLastS, this.#last.settled ? this.#last.timeS : timeOf(this.#last.endMs, clock.offsetMs));
    this.#parts.log.info({ offsetMs: clock.offsetMs, bootId }, "clock settled by the controller");
    this.#keep(this.#intervals.moveTo(clock.offsetMs, steady.now(), retimedLastS));
  }

  /** Stops reading; what was gathered of the running interval becomes a batch. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer) clearTimeout(this.#timer);
    await this.#running;
    this.#keep(this.#intervals.finish(this.#parts.steady.now()));
  }

  #last: (Cut & { settled: boolean }) | null = null;

  #schedule(): void {
    if (this.#stopped) return;
    const { clock, steady, phaseMs, sampleMs = 1000 } = this.#parts;
    const intoMs = (((clock.at(steady.now()) - phaseMs) % sampleMs) + sampleMs) % sampleMs;
    this.#timer = setTimeout(() => {
      this.#running = this.#tick().finally(() => this.#schedule());
    }, sampleMs - intoMs);
  }

  async #tick(): Promise<void> {
    const { sources, clock, steady, onSample } = this.#parts;
    const looking = steady.notice();
    if (looking) await looking;
    this.#keep(this.#intervals.tick(steady.now()));
    const readAtMs = clock.at(steady.now());
    for (const source of sources) {
      try {
        const reading = source.sample();
        if (reading) await reading;
      } catch (error) {
        this.#complain(error);
      }
    }
    onSample(
      readAtMs,
      sources.map((source) => source.latest()).filter((second) => second !== null),
    );
  }

  #keep(cut: Cut | "discard" | null): void {
    if (cut === null) return;
    const { sources, spool, clock, steady, bootId, onBatch } = this.#parts;
    const taken = sources.map((source) => source.takeInterval());
    const samples = Math.min(Math.max(0, ...taken.map((interval) => interval.samples)), INTERVAL_MS / 1000);
    const families = taken.flatMap((interval) => interval.families);
    if (cut === "discard" || samples === 0 || families.length === 0) return;
    if (families.reduce((sum, rows) => sum + rows.cells.length, 0) > MAX_BATCH_BYTES) {
      this.#complain(new Error(`expected at most ${MAX_BATCH_BYTES} bytes of cells in an interval, found more; the interval is left out`));
      return;
    }
    this.#last = { ...cut, settled: clock.settled };
    spool.append(
      { timeS: cut.timeS, settled: clock.settled, encode: (sequence) => encodeBatch({ sequence, ...cut, bootId, samples, families }) },
      clock.settled ? clock.at(steady.now()) / 1000 : null,
    );
    onBatch();
  }

  #complain(error: unknown): void {
    const now = this.#parts.steady.now();
    if (now - this.#complainedAtMs < 60_000) return;
    this.#complainedAtMs = now;
    this.#parts.log.error({ err: error }, "reading metrics failed");
  }
}
