import { fleet } from "./fleet.svelte.ts";
import { parseFilter } from "./filter.ts";
import { sortServers, type Sort } from "./sort.ts";

const RESORT_MS = 3000;

/**
 * Ids of the servers that pass the filter, in order. A new filter or order counts at once; new values re-order at most
 * every 3 s and never while the pointer moves over the rows, so that nothing slips away under a finger.
 */
export class Order {
  ids = $state.raw<readonly string[]>([]);
  #filter = "";
  #sort: Sort | null = null;
  #atMs = 0;
  #heldUntilMs = 0;
  #size = -1;

  /** The pointer moved over the rows. */
  hold(): void {
    this.#heldUntilMs = Date.now() + 1500;
  }

  /** To be called when anything may have changed. */
  update(filter: string, sort: Sort): void {
    const now = Date.now();
    const asked = filter !== this.#filter || sort.key !== this.#sort?.key || sort.descending !== this.#sort.descending;
    const grown = fleet.size !== this.#size;
    if (!asked && !grown && (now - this.#atMs < RESORT_MS || now < this.#heldUntilMs)) return;
    this.#filter = filter;
    this.#sort = sort;
    this.#atMs = now;
    this.#size = fleet.size;
    const { test } = parseFilter(filter);
    const passing = filter.trim() === "" ? [...fleet.values()] : [...fleet.values()].filter(test);
    this.ids = sortServers(passing, sort).map((s) => s.id);
  }
}
