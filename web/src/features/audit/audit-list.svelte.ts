import type { AuditEntry } from "@devflow/api";
import { auditApi, type AuditQuery } from "#api/audit.ts";
import type { ApiError } from "#api/client.ts";

/** Rows of the audit log that a query finds, newest first. */
export class AuditList {
  /** Null until they are loaded. */
  items = $state.raw<readonly AuditEntry[] | null>(null);
  error = $state.raw<ApiError | null>(null);
  /** Older rows are there. */
  more = $state(false);
  loadingMore = $state(false);
  #query: AuditQuery = {};
  #cursor: string | null = null;
  #round = 0;

  /** Loads the newest rows of a query; an earlier query's answer that comes later is dropped. */
  async load(query: AuditQuery = this.#query): Promise<void> {
    this.#query = query;
    const round = ++this.#round;
    this.items = null;
    this.error = null;
    this.loadingMore = false;
    try {
      const { items, nextCursor } = await auditApi.entries(query);
      if (round !== this.#round) return;
      this.items = items;
      this.#goOn(nextCursor);
    } catch (error) {
      if (round === this.#round) this.error = error as ApiError;
    }
  }

  async loadMore(): Promise<void> {
    if (this.#cursor === null || this.loadingMore) return;
    const round = this.#round;
    this.loadingMore = true;
    this.error = null;
    try {
      const { items, nextCursor } = await auditApi.entries(this.#query, this.#cursor);
      if (round !== this.#round) return;
      this.items = [...(this.items ?? []), ...items];
      this.#goOn(nextCursor);
    } catch (error) {
      if (round === this.#round) this.error = error as ApiError;
    } finally {
      if (round === this.#round) this.loadingMore = false;
    }
  }

  #goOn(cursor: string | null): void {
    this.#cursor = cursor;
    this.more = cursor !== null;
  }
}
