import type { Event } from "@devflow/api";
import { eventsApi } from "#api/events.ts";
import { live } from "#api/live.svelte.ts";
import { PagedList } from "#ui/paged-list.svelte.ts";

export interface EventFilter {
  /** Comma separated; empty: all. */
  readonly types: string;
  readonly subjectKind?: string;
  readonly subjectId?: string;
  /** RFC 3339 UTC; `to` is exclusive. With `to` nothing comes in on top any more. */
  readonly from?: string;
  readonly to?: string;
}

/** Shown at most; what is older is loaded again when somebody scrolls there. */
const maxShown = 1_000;

const all: EventFilter = { types: "" };

const page = ({ types, ...rest }: EventFilter, cursor?: string) =>
  eventsApi.events({ types: types === "" ? undefined : types, ...rest, cursor, limit: 50 });

/** What happened, newest first, with what happens now on top. */
export class EventList extends PagedList<Event, EventFilter> {
  /** Came while the reader was further down; shown when asked for, so that nothing jumps. */
  newer = $state.raw<readonly Event[]>([]);
  #filter = all;
  readonly #atTop: () => boolean;

  constructor(atTop: () => boolean) {
    super(page, all, ({ id }) => id);
    this.#atTop = atTop;
  }

  /** Loads, and follows until the returned function is called. */
  start(filter: EventFilter): () => void {
    this.#filter = filter;
    this.newer = [];
    // Followed first, so that nothing falls between the two.
    const end = live.subscribe("events", (message) => {
      if (message.type === "events") this.#arrived(message.events);
    });
    const offReopened = live.onReopened(() => void this.load());
    void this.open(filter);
    return () => {
      end();
      offReopened();
    };
  }

  protected override firstRows(rows: readonly Event[]): readonly Event[] {
    const known = new Set(rows.map(({ id }) => id));
    const since = this.newer.filter(({ id }) => !known.has(id));
    this.newer = [];
    return this.#atTop() ? [...since, ...rows] : rows;
  }

  showNewer(): void {
    this.items = [...this.newer, ...(this.items ?? [])].slice(0, maxShown);
    this.newer = [];
  }

  #arrived(events: readonly Event[]): void {
    const { types, subjectKind, subjectId, to } = this.#filter;
    if (to !== undefined) return;
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
