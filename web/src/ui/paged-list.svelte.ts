import type { ApiError } from "#api/client.ts";

/** A page of a list of the API. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Null at the end. */
  readonly nextCursor: string | null;
}

/** Rows that are loaded a page at a time. */
export class PagedList<T, Query> {
  /** Null until they are loaded. */
  items = $state.raw<readonly T[] | null>(null);
  error = $state.raw<ApiError | null>(null);
  /** Further rows are there. */
  more = $state(false);
  loadingMore = $state(false);
  readonly #fetch: (query: Query, cursor?: string) => Promise<Page<T>>;
  readonly #keyOf: (row: T) => unknown;
  #query: Query;
  #cursor: string | null = null;
  /** Of the query that counts: an earlier one's answer that comes later is dropped. */
  #round = 0;
  #again: () => Promise<void> = () => this.load();

  /**
   * @param query of a first load() without open()
   * @param keyOf what tells rows apart
   */
  constructor(fetch: (query: Query, cursor?: string) => Promise<Page<T>>, query: Query, keyOf: (row: T) => unknown) {
    this.#fetch = fetch;
    this.#query = query;
    this.#keyOf = keyOf;
  }

  /** Loads the first rows of another query; those of the query before go at once. */
  async open(query: Query): Promise<void> {
    this.#query = query;
    this.items = null;
    await this.load();
  }

  /** Loads the first rows again; those that are shown stay until then. */
  async load(): Promise<void> {
    const round = ++this.#round;
    this.#again = () => this.load();
    this.error = null;
    this.loadingMore = false;
    try {
      const page = await this.#fetch(this.#query);
      if (round !== this.#round) return;
      this.items = this.firstRows(page.items);
      this.#goOn(page);
    } catch (error) {
      if (round === this.#round) this.error = error as ApiError;
    }
  }

  async loadMore(): Promise<void> {
    if (this.#cursor === null || this.loadingMore) return;
    const round = this.#round;
    this.#again = () => this.loadMore();
    this.loadingMore = true;
    this.error = null;
    try {
      const page = await this.#fetch(this.#query, this.#cursor);
      if (round !== this.#round) return;
      const known = new Set(this.items?.map(this.#keyOf));
      this.items = [...(this.items ?? []), ...page.items.filter((row) => !known.has(this.#keyOf(row)))];
      this.#goOn(page);
    } catch (error) {
      if (round === this.#round) this.error = error as ApiError;
    } finally {
      if (round === this.#round) this.loadingMore = false;
    }
  }

  /** Does once more what failed last. */
  retry(): Promise<void> {
    return this.#again();
  }

  /** What is shown once `rows` came. */
  protected firstRows(rows: readonly T[]): readonly T[] {
    return rows;
  }

  #goOn({ nextCursor }: Page<T>): void {
    this.#cursor = nextCursor;
    this.more = nextCursor !== null;
  }
}
