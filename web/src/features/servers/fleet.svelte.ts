import type { FleetSummary, LatestRow, Server } from "@devflow/api";
import { latestOf } from "@devflow/api/latest-values";
import { api, type ApiError } from "#api/client.ts";
import { live } from "#api/live.svelte.ts";
import { withValue } from "#ui/spark.ts";
import { memoryPercent } from "./values.ts";

export interface Sparks {
  readonly cpu: readonly (number | null)[];
  readonly memory: readonly (number | null)[];
}

interface KeptSparks {
  readonly sparks: Sparks;
  readonly atMs: number;
  /** Time of the newest value that is in them. */
  readonly newest: string | undefined;
  /** Its minute since 1970, and how many values are in it. */
  readonly last: number;
  readonly count: number;
}

const MINUTE_MS = 60_000;
const SPARKS_A_CALL = 100;
/** Rows in a minute that has come from the controller; about: it may be half over. */
const SPARK_ROWS = 3;
const SPARKS_FRESH_MS = 60_000;
const RETRY_MS = 5000;

/**
 * All servers of the organisation with their newest values. The first page shows at once and the rest follows; from
 * then on the live feed keeps it, and a connection that was lost starts a new load. Rows are replaced, never changed
 * in place; `version` says that something is new.
 */
class Fleet {
  version = $state(0);
  sparkVersion = $state(0);
  loaded = $state(false);
  /** Whether every page has come. */
  complete = $state(false);
  error = $state.raw<ApiError | null>(null);
  summary = $state.raw<FleetSummary | null>(null);
  #servers = new Map<string, Server>();
  #sparks = new Map<string, KeptSparks>();
  #wanted = new Set<string>();
  #users = 0;
  #stop: (() => void)[] = [];
  #loading: AbortController | null = null;
  #bump = false;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #sparkTimer: ReturnType<typeof setTimeout> | undefined;

  get = (id: string): Server | undefined => this.#servers.get(id);
  values = (): IterableIterator<Server> => this.#servers.values();
  get size(): number {
    return this.#servers.size;
  }

  /** Loads and follows for as long as somebody uses it; returns what gives it back. */
  use(): () => void {
    if (this.#users++ === 0) this.#start();
    return () => {
      if (--this.#users === 0) this.#end();
    };
  }

  #start(): void {
    this.#stop.push(
      live.subscribe("servers", (m) => {
        if (m.type === "values") for (const row of m.rows) this.#putValues(row);
        if (m.type === "servers") {
          for (const server of m.changed) {
            this.#servers.set(server.id, server);
            this.#continueSparks(server);
          }
          for (const id of m.removed) this.#servers.delete(id);
        }
        this.#changed();
      }),
      live.onReopened(() => void this.load()),
    );
    const timer = setInterval(() => void this.loadSummary(), 10_000);
    this.#stop.push(() => clearInterval(timer));
    void this.load();
  }

  #end(): void {
    for (const stop of this.#stop.splice(0)) stop();
    clearTimeout(this.#retry);
    this.#loading?.abort();
  }

  /** Forgets everything, at sign-out. */
  clear(): void {
    this.#servers.clear();
    this.#sparks.clear();
    this.summary = null;
    this.loaded = this.complete = false;
    this.version++;
  }

  /** Newer values of a server that is known; of one that is not loaded yet they come with it. */
  #putValues(row: LatestRow): void {
    const [id, timeMs] = row;
    const server = this.#servers.get(id);
    if (server === undefined || (server.latest !== null && Date.parse(server.latest.time) > timeMs)) return;
    const next = { ...server, latest: latestOf(row) };
    this.#servers.set(id, next);
    this.#continueSparks(next);
  }

  #changed(): void {
    if (this.#bump) return;
    this.#bump = true;
    requestAnimationFrame(() => {
      this.#bump = false;
      this.version++;
    });
  }

  /** Counts and medians, kept by the controller. */
  async loadSummary(): Promise<void> {
    this.summary = await api.summary().catch(() => this.summary);
  }

  /** Fetches all pages; what is shown stays until the new rows are there. */
  async load(): Promise<void> {
    this.#loading?.abort();
    clearTimeout(this.#retry);
    const control = new AbortController();
    this.#loading = control;
    const seen = new Set<string>();
    try {
      const summary = this.loadSummary();
      let cursor: string | undefined;
      do {
        const page = await api.servers(
          { limit: cursor === undefined && !this.loaded ? 100 : 500, sort: "name", ...(cursor === undefined ? {} : { cursor }) },
          control.signal,
        );
        for (const server of page.items) {
          this.#servers.set(server.id, server);
          seen.add(server.id);
        }
        cursor = page.nextCursor ?? undefined;
        await (this.loaded ? undefined : summary);
        this.loaded = true;
        this.#changed();
      } while (cursor !== undefined);
      for (const id of this.#servers.keys()) if (!seen.has(id)) this.#servers.delete(id);
      this.complete = true;
      this.error = null;
      this.#changed();
    } catch (error) {
      if (control.signal.aborted) return;
      this.error = error as ApiError;
      this.#retry = setTimeout(() => void this.load(), RETRY_MS);
    }
  }

  /** A server that another page has just fetched or changed. */
  put(server: Server): void {
    this.#servers.set(server.id, server);
    this.#changed();
  }
  remove(id: string): void {
    this.#servers.delete(id);
    this.#changed();
  }

  sparks = (id: string): Sparks | undefined => this.#sparks.get(id)?.sparks;

  /** Asks for the sparklines of the rows on screen; calls are gathered and what is fresh is not asked again. */
  wantSparks(ids: Iterable<string>): void {
    const now = Date.now();
    for (const id of ids) {
      const had = this.#sparks.get(id);
      if (!had || now - had.atMs > SPARKS_FRESH_MS) this.#wanted.add(id);
    }
    if (this.#wanted.size === 0 || this.#sparkTimer !== undefined) return;
    this.#sparkTimer = setTimeout(() => {
      this.#sparkTimer = undefined;
      const ids = [...this.#wanted].slice(-SPARKS_A_CALL);
      this.#wanted.clear();
      void this.#loadSparks(ids);
    }, 120);
  }

  async #loadSparks(ids: readonly string[]): Promise<void> {
    const atMs = Date.now();
    const result = await api.sparklines(ids).catch(() => null);
    const keep = (id: string, sparks: Sparks) => {
      const newest = this.#servers.get(id)?.latest?.time;
      this.#sparks.set(id, { sparks, atMs, newest, last: Math.floor(Date.parse(newest ?? "1970-01-01") / MINUTE_MS), count: SPARK_ROWS });
    };
    for (const id of ids) if (result && !this.#sparks.has(id)) keep(id, { cpu: [], memory: [] });
    for (const { serverId, cpu, memory } of result?.items ?? []) keep(serverId, { cpu, memory });
    this.sparkVersion++;
  }

  /** Puts a live value into a sparkline that is there already, so that it moves on between two loads. */
  #continueSparks({ id, latest }: Server): void {
    const kept = this.#sparks.get(id);
    if (!kept || !latest || latest.time === kept.newest || kept.sparks.cpu.length === 0) return;
    const at = { minute: Math.floor(Date.parse(latest.time) / MINUTE_MS), last: kept.last, count: kept.count };
    if (at.minute < at.last) return;
    this.#sparks.set(id, {
      ...kept,
      newest: latest.time,
      last: at.minute,
      count: at.minute === at.last ? at.count + 1 : 1,
      sparks: { cpu: withValue(kept.sparks.cpu, latest.cpuPercent, at), memory: withValue(kept.sparks.memory, memoryPercent(latest), at) },
    });
    this.sparkVersion++;
  }
}

export const fleet = new Fleet();
