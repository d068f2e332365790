import type { FleetSummary } from "@devflow/api";
import { marks } from "#features/groups/marks.svelte.ts";
import { figuresOf } from "./figures.ts";
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
  /** Of the servers that pass; null without a filter, where the controller's own figures count. */
  figures = $state.raw<FleetSummary | null>(null);
  #groups = marks.groups;
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
    const asked =
      filter !== this.#filter || sort.key !== this.#sort?.key || sort.descending !== this.#sort.descending || marks.groups !== this.#groups;
    const grown = fleet.size !== this.#size;
    if (!asked && !grown && (now - this.#atMs < RESORT_MS || now < this.#heldUntilMs)) return;
    this.#filter = filter;
    this.#sort = sort;
    this.#atMs = now;
    this.#size = fleet.size;
    this.#groups = marks.groups;
    const { test } = parseFilter(filter, marks.groupName);
    const passing = filter.trim() === "" ? [...fleet.values()] : [...fleet.values()].filter(test);
    this.figures = filter.trim() === "" ? null : figuresOf(passing);
    this.ids = sortServers(passing, sort).map((s) => s.id);
  }
}
