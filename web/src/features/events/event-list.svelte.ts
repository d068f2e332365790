import type { Event } from "@devflow/api";
import type { ApiError } from "#api/client.ts";
import { eventsApi } from "#api/events.ts";
import { live } from "#api/live.svelte.ts";

export interface EventFilter {
  /** Comma separated; empty: all. */
  readonly types: string;
  readonly subjectKind?: string;
  readonly subjectId?: string;
}

/** Shown at most; what is older is loaded again when somebody scrolls there. */
const maxShown = 1_000;

/** What happened, newest first, with what happens now on top. */
export class EventList {
  /** Null until they are loaded. */
  items = $state.raw<readonly Event[] | null>(null);
  /** Came while the reader was further down; shown when asked for, so that nothing jumps. */
  newer = $state.raw<readonly Event[]>([]);
  error = $state.raw<ApiError | null>(null);
  more = $state(false);
  loadingMore = $state(false);
  #cursor: string | null = null;
  #filter: EventFilter;
  #round = 0;
  readonly #atTop: () => boolean;

  constructor(filter: EventFilter, atTop: () => boolean) {
    this.#filter = filter;
    this.#atTop = atTop;
  }

  /** Loads, and follows until the returned function is called. */
  start(filter: EventFilter): () => void {
    this.#filter = filter;
    this.items = null;
    // Followed first, so that nothing falls between the two.
    const end = live.subscribe("events", (message) => {
      if (message.type === "events") this.#arrived(message.events);
    });
    const offReopened = live.onReopened(() => void this.load());
    void this.load();
    return () => {
      end();
      offReopened();
    };
  }

  async load(): Promise<void> {
    const round = ++this.#round;
    this.error = null;
    try {
      const { items, nextCursor } = await eventsApi.events(this.#query());
      if (round !== this.#round) return;
      const known = new Set(items.map(({ id }) => id));
      const since = this.newer.filter(({ id }) => !known.has(id));
      this.items = this.#atTop() ? [...since, ...items] : items;
      this.newer = [];
      this.#cursor = nextCursor;
      this.more = nextCursor !== null;
    } catch (error) {
      if (round === this.#round) this.error = error as ApiError;
    }
  }

  async loadMore(): Promise<void> {
    if (this.#cursor === null || this.loadingMore) return;
    const round = this.#round;
    this.loadingMore = true;
    try {
      const { items, nextCursor } = await eventsApi.events(this.#query(this.#cursor));
      if (round !== this.#round) return;
      const known = new Set(this.items?.map(({ id }) => id));
      this.items = [...(this.items ?? []), ...items.filter(({ id }) => !known.has(id))];
      this.#cursor = nextCursor;
      this.more = nextCursor !== null;
    } catch (error) {
      this.error = error as ApiError;
    } finally {
      this.loadingMore = false;
    }
  }

  showNewer(): void {
    this.items = [...this.newer, ...(this.items ?? [])].slice(0, maxShown);
    this.newer = [];
  }

  #query(cursor?: string) {
    const { types, subjectKind, subjectId } = this.#filter;
    return { types: types === "" ? undefined : types, subjectKind, subjectId, cursor, limit: 50 };
  }

  #arrived(events: readonly Event[]): void {
    const { types, subjectKind, subjectId } = this.#filter;
    const wanted = types === "" ? null : types.split(",");
    const known = new Set([...(this.items ?? []), ...this.newer].map(({ id }) => id));
    const fresh = events.filter(
      ({ id, type, subject }) =>
        !known.has(id) &&
        (wanted === null || wanted.includes(type)) &&
        (subjectKind === undefined || subject.kind === subjectKind) &&
        (subjectId === undefined || subject.id === subjectId),
    );
    if (fresh.length === 0) return;
    this.newer = [...fresh.toReversed(), ...this.newer].slice(0, maxShown);
    if (this.items !== null && this.#atTop()) this.showNewer();
  }
}
