import { RejectionReason, type Batch, type FamilyRows } from "@devflow/proto/metrics/v1/metrics";
import type { Logger } from "pino";
import type { Sql } from "../../platform/db/index.ts";
import { encodeRows } from "./encode-rows.ts";
import { type BatchRejection, checkBatch, MAX_ROWS_A_FAMILY, reject } from "./ingest-bounds.ts";
import { createInstances, type NewInstance } from "./instances.ts";
import { isAboutRows } from "./database-errors.ts";
import { addToLatest, type Latest, newLatest } from "./latest.ts";
import { type BatchSource, OpenFlush } from "./open-flush.ts";
import { type RowShape, rowShapeById, rowShapes } from "./row-shape.ts";
import { writeFlush, type WriteResult } from "./write-flush.ts";

export interface IngestWriterOptions {
  readonly sql: Sql;
  readonly log: Logger;
  /** Milliseconds since 1970-01-01 UTC. */
  readonly now: () => number;
  /** A flush begins at this age of the previous one. Default 25 ms. */
  readonly intervalMs?: number;
  /** … or at so many rows. Default 5,000. */
  readonly flushRows?: number;
  /** Sources are asked to pause above this many rows in memory and to go on below half of it. Default 40,000. */
  readonly maxPendingRows?: number;
  /** Called after each commit. */
  readonly onCommitted?: (flush: OpenFlush, result: WriteResult, tookMs: number) => void;
  readonly onRejected?: (serverNo: number, reason: RejectionReason) => void;
}

export interface IngestHealth {
  readonly database: "ok" | "unavailable";
  /** Milliseconds since 1970-01-01 UTC. */
  readonly sinceMs: number;
}

interface Waiting {
  readonly source: BatchSource;
  readonly serverNo: number;
  readonly batch: Batch;
  readonly rows: number;
}

/**
 * Full flushes that are written at the same time, so that one is copied while the other waits for the disk. Flushes
 * that are not full go one after the other.
 */
const MAX_TRANSACTIONS = 2;
const MAX_BACKOFF_MS = 5000;
const instanceNos = new Int32Array(MAX_ROWS_A_FAMILY);

/**
 * The one writer of a gateway: gathers all agents' batches, writes them in few transactions, answers each after the
 * commit. Nothing is dropped while the database is away: what is here stays here (bounded by asking sources to
 * pause), the rest stays in the agents' spools.
 */
export function createIngestWriter(options: IngestWriterOptions) {
  const { sql, log } = options;
  const intervalMs = options.intervalMs ?? 25;
  const flushRows = options.flushRows ?? 5000;
  const maxPendingRows = options.maxPendingRows ?? 40_000;
  const instances = createInstances(sql);
  const resumers = new Set<() => void>();
  const closed: OpenFlush[] = [];
  const spare: OpenFlush[] = [];
  const idle: (() => void)[] = [];
  let open = new OpenFlush();
  let waiting: Waiting[] = [];
  let pendingRows = 0;
  let writing = 0;
  let resolving = false;
  let stopped = false;
  let lastFlushAt = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | null = null;
  let health: IngestHealth = { database: "ok", sinceMs: options.now() };
  let latest: Latest | null = null;

  const visit = (shape: RowShape, instance: string, values: Float64Array): void => addToLatest(latest as Latest, shape, instance, values);

  const refuse = (source: BatchSource, serverNo: number, batch: Batch, why: BatchRejection): void => {
    options.onRejected?.(serverNo, why.reason);
    source.rejected(Number(batch.sequence), why.reason, why.detail);
  };

  /** Takes a batch in; its outcome goes to the source, later or at once. */
  function add(source: BatchSource, serverNo: number, batch: Batch): void {
    const wrong = checkBatch(batch, options.now() / 1000) ?? checkFamilies(batch);
    if (wrong !== null) {
      refuse(source, serverNo, batch, wrong);
      return source.flushed();
    }
    let rows = 0;
    for (const family of batch.families) rows += family.instances.length;
    pendingRows += rows;
    const known =
      instances.isLoaded(serverNo) &&
      batch.families.every((f) => instances.lookup(serverNo, rowShapeById(f.family) as RowShape, f.instances, instanceNos));
    if (known) encode(source, serverNo, batch, rows);
    else {
      waiting.push({ source, serverNo, batch, rows });
      void resolve();
    }
  }

  function encode(source: BatchSource, serverNo: number, batch: Batch, rows: number): void {
    const owner = { serverNo, timeS: Number(batch.timeS), samples: batch.samples };
    const before = open.latest.get(serverNo);
    latest = before === undefined || before.timeS < owner.timeS ? newLatest(serverNo, owner.timeS) : null;
    let wrong: BatchRejection | null = null;
    for (const family of batch.families) {
      const shape = rowShapeById(family.family) as RowShape;
      instances.lookup(serverNo, shape, family.instances, instanceNos);
      wrong = hasDuplicates(instanceNos, family.instances.length)
        ? reject(RejectionReason.MALFORMED, `an instance of ${shape.family.name} comes twice`)
        : encodeRows(
            family,
            shape,
            owner,
            instanceNos,
            open.buffers[shape.index] as OpenFlush["buffers"][number],
            latest === null ? null : visit,
          );
      if (wrong !== null) break;
    }
    if (wrong !== null) {
      open.dropUnfinished();
      pendingRows -= rows;
      refuse(source, serverNo, batch, wrong);
      return source.flushed();
    }
    open.add(source, Number(batch.sequence), serverNo, owner.timeS, rows);
    if (latest !== null) open.latest.set(serverNo, latest);
    if (open.rows >= flushRows) close();
    schedule();
  }

  function close(): void {
    closed.push(open);
    open = spare.pop() ?? new OpenFlush();
  }

  function schedule(): void {
    if (closed.length > 0 && writing < MAX_TRANSACTIONS) return void write();
    if (writing > 0 || open.batches === 0 || timer !== null) return;
    const waitMs = stopped ? 0 : lastFlushAt + intervalMs - performance.now();
    if (waitMs <= 0) return void write();
    timer = setTimeout(() => {
      timer = null;
      schedule();
    }, waitMs);
  }

  /** What is open, with what arrives in the same turn of the event loop. */
  async function takeOpen(): Promise<OpenFlush> {
    await new Promise((resolve) => setImmediate(resolve));
    // Empty when it filled up meanwhile and went by itself; an empty flush is settled without a transaction.
    if (closed.length === 0) close();
    return closed.shift() as OpenFlush;
  }

  async function write(): Promise<void> {
    writing++;
    if (timer !== null) clearTimeout(timer);
    timer = null;
    const flush = closed.shift() ?? (await takeOpen());
    lastFlushAt = performance.now();
    for (let failures = 0; !(await written(flush)); failures++) await sleep(Math.min(MAX_BACKOFF_MS, 250 * 2 ** failures));
    pendingRows -= flush.rows;
    flush.clear();
    if (spare.length < 2) spare.push(flush);
    writing--;
    if (waiting.length > 0) void resolve();
    if (pendingRows < maxPendingRows / 2) {
      const ready = [...resumers];
      resumers.clear();
      for (const go of ready) go();
    }
    schedule();
    if (isIdle()) for (const done of idle.splice(0)) done();
  }

  /** Returns whether the flush is settled: each batch committed or rejected. */
  async function written(flush: OpenFlush): Promise<boolean> {
    if (flush.batches === 0) return true;
    const begun = performance.now();
    try {
      const result = await writeFlush(sql, flush);
      available();
      settle(flush);
      options.onCommitted?.(flush, result, performance.now() - begun);
      return true;
    } catch (error) {
      if (!isAboutRows(error)) return unavailable(error);
      return writeHalves(flush, error);
    }
  }

  /** Finds the batches that the database will never take, so that they hold nobody else up. */
  async function writeHalves(flush: OpenFlush, cause: unknown): Promise<boolean> {
    if (flush.batches === 1) {
      log.error({ err: cause, serverNo: flush.serverNos[0], timeS: flush.times[0] }, "the database refuses a batch");
      const [source, sequence] = [flush.sources[0] as BatchSource, flush.sequences[0] as number];
      options.onRejected?.(flush.serverNos[0] as number, RejectionReason.MALFORMED);
      source.rejected(sequence, RejectionReason.MALFORMED, "the database refuses these rows");
      source.flushed();
      return true;
    }
    const middle = Math.ceil(flush.batches / 2);
    for (const half of [flush.slice(0, middle), flush.slice(middle, flush.batches)]) {
      for (let failures = 0; !(await written(half)); failures++) await sleep(Math.min(MAX_BACKOFF_MS, 250 * 2 ** failures));
    }
    return true;
  }

  /** Asks the database for the instance names of those who wait, and gives new names numbers. */
  async function resolve(): Promise<void> {
    if (resolving) return;
    resolving = true;
    for (let failures = 0; waiting.length > 0;) {
      const turn = waiting;
      waiting = [];
      try {
        await resolveTurn(turn);
        failures = 0;
      } catch (error) {
        unavailable(error);
        waiting = [...turn, ...waiting];
        await sleep(Math.min(MAX_BACKOFF_MS, 250 * 2 ** failures++));
      }
    }
    resolving = false;
    if (isIdle()) for (const done of idle.splice(0)) done();
  }

  async function resolveTurn(turn: readonly Waiting[]): Promise<void> {
    const unloaded = [...new Set(turn.map((w) => w.serverNo))].filter((serverNo) => !instances.isLoaded(serverNo));
    if (unloaded.length > 0) await instances.load(unloaded);
    const fresh: NewInstance[] = [];
    const counted = new Map<string, Set<string>>();
    const good = turn.map((w): boolean | BatchRejection => {
      const own: NewInstance[] = [];
      for (const family of w.batch.families) {
        const shape = rowShapeById(family.family) as RowShape;
        // Names that other batches of this turn bring count as well.
        const key = `${w.serverNo} ${shape.index}`;
        const together = new Set([...(counted.get(key) ?? []), ...family.instances]);
        const missing = instances.missing(w.serverNo, shape, [...together]);
        if ("reason" in missing) return missing;
        own.push(...missing);
      }
      for (const { serverNo, shape, name } of own) {
        const key = `${serverNo} ${shape.index}`;
        counted.set(key, (counted.get(key) ?? new Set()).add(name));
      }
      fresh.push(...own);
      return true;
    });
    if (fresh.length > 0) await instances.add(fresh);
    available();
    turn.forEach((w, i) => {
      const answer = good[i] as boolean | BatchRejection;
      if (answer === true) {
        const known = w.batch.families.every((f) =>
          instances.lookup(w.serverNo, rowShapeById(f.family) as RowShape, f.instances, instanceNos),
        );
        if (known) return encode(w.source, w.serverNo, w.batch, w.rows);
        return void waiting.push(w); // another gateway took the number; the table was read again, once more round
      }
      pendingRows -= w.rows;
      refuse(w.source, w.serverNo, w.batch, answer as BatchRejection);
      w.source.flushed();
    });
  }

  function available(): void {
    if (health.database === "ok") return;
    log.info({ sinceMs: health.sinceMs }, "the database takes metrics again");
    health = { database: "ok", sinceMs: options.now() };
  }

  function unavailable(error: unknown): false {
    if (health.database === "ok") {
      health = { database: "unavailable", sinceMs: options.now() };
      log.error({ err: error }, "the database does not take metrics; agents keep them until it does");
    }
    return false;
  }

  const isIdle = (): boolean => writing === 0 && !resolving && open.batches === 0 && closed.length === 0 && waiting.length === 0;

  return {
    add,
    health: (): IngestHealth => health,
    /** Whether sources should stop reading; then whenReady calls back once. */
    get full() {
      return pendingRows >= maxPendingRows;
    },
    whenReady: (go: () => void): void => void resumers.add(go),
    get pendingRows() {
      return pendingRows;
    },
    forget: instances.forget,
    /** Writes what is here without waiting for intervals; resolves when all of it is settled. */
    async drain(): Promise<void> {
      stopped = true;
      schedule();
      if (!isIdle()) await new Promise<void>((done) => idle.push(done));
    },
  };
}

export type IngestWriter = ReturnType<typeof createIngestWriter>;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function settle(flush: OpenFlush): void {
  for (let i = 0; i < flush.batches; i++) flush.sources[i]?.committed(flush.sequences[i] as number);
  for (const source of new Set(flush.sources)) source.flushed();
}

/** What can be said of a batch's families without decoding their cells. */
function checkFamilies(batch: Batch): BatchRejection | null {
  let seen = 0;
  if (batch.families.length > rowShapes.length)
    return reject(RejectionReason.MALFORMED, `expected at most ${rowShapes.length} families, got ${batch.families.length}`);
  for (const rows of batch.families) {
    const shape = rowShapeById(rows.family);
    if (shape === undefined) return reject(RejectionReason.MALFORMED, `expected a family of the catalogue, got ${rows.family}`);
    if ((seen & (1 << shape.index)) !== 0) return reject(RejectionReason.MALFORMED, `family ${shape.family.name} comes twice`);
    seen |= 1 << shape.index;
    const wrong = checkRows(rows, shape);
    if (wrong !== null) return wrong;
  }
  return null;
}

function checkRows(rows: FamilyRows, shape: RowShape): BatchRejection | null {
  const { name } = shape.family;
  if (rows.columns < 1 || rows.columns > shape.columns.length)
    return reject(RejectionReason.MALFORMED, `expected 1 to ${shape.columns.length} columns of ${name}, got ${rows.columns}`);
  if (rows.instances.length > MAX_ROWS_A_FAMILY)
    return reject(
      RejectionReason.TOO_MANY_INSTANCES,
      `expected at most ${MAX_ROWS_A_FAMILY} rows of ${name}, got ${rows.instances.length}`,
    );
  if (shape.isHost && (rows.instances.length !== 1 || rows.instances[0] !== ""))
    return reject(RejectionReason.MALFORMED, `expected one row of ${name} with an empty name`);
  return null;
}

const seenAt = new Map<number, number>();
let turnNo = 0;

/** Whether a number comes twice among the first `count`. */
function hasDuplicates(numbers: Int32Array, count: number): boolean {
  if (count < 2) return false;
  if (count <= 16) {
    for (let i = 1; i < count; i++) for (let j = 0; j < i; j++) if (numbers[i] === numbers[j]) return true;
    return false;
  }
  turnNo++;
  for (let i = 0; i < count; i++) {
    const no = numbers[i] as number;
    if (seenAt.get(no) === turnNo) return true;
    seenAt.set(no, turnNo);
  }
  return false;
}
