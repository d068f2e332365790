import type { Family } from "@devflow/catalogue";
import type { FamilyRows } from "@devflow/proto/metrics/v1/metrics";
import { encodeRows } from "./encode.ts";
import type { Sample } from "./probe.ts";
import { MAX_INSTANCES, type Table } from "./table.ts";

/** Sums and maxima of one family. */
class Totals {
  readonly family: Family;
  readonly width: number;
  readonly instances: string[] = [];
  #sum: Float64Array;
  #max: Float64Array;
  #count: Uint16Array;

  constructor(family: Family) {
    this.family = family;
    this.width = family.measures.length;
    this.#sum = new Float64Array(this.width);
    this.#max = new Float64Array(this.width);
    this.#count = new Uint16Array(this.width);
  }

  add(table: Table): void {
    const { cells, instances } = table;
    for (let row = 0; row < instances.length; row++) {
      const to = this.#row(instances[row] as string, row) * this.width;
      if (to < 0) continue;
      // Local names: the agent runs without a compiler, where each look at a field costs as much as the sum.
      const { width } = this;
      const sum = this.#sum;
      const max = this.#max;
      const count = this.#count;
      const from = row * width;
      for (let i = 0; i < width; i++) {
        const value = cells[from + i] as number;
        if (!(value >= 0)) continue; // NaN: not measured
        const at = to + i;
        const n = count[at] as number;
        count[at] = n + 1;
        if (n === 0) {
          sum[at] = value;
          max[at] = value;
        } else {
          sum[at] = (sum[at] as number) + value;
          if (value > (max[at] as number)) max[at] = value;
        }
      }
    }
  }

  /** The interval's rows; empty afterwards. */
  take(): FamilyRows | null {
    if (this.instances.length === 0) return null;
    const cells = this.instances.length * this.width;
    for (let i = 0; i < cells; i++) {
      const n = this.#count[i] as number;
      if (n === 0) this.#max[i] = Number.NaN;
      this.#sum[i] = n === 0 ? Number.NaN : Math.round((this.#sum[i] as number) / n);
    }
    const rows = encodeRows(this.family, this.instances, this.#sum, this.#max);
    this.instances.length = 0;
    this.#sum.fill(0);
    this.#count.fill(0);
    return rows;
  }

  /** Row of an instance; a new one when it was not seen in this interval, -1 when there are too many. */
  #row(instance: string, likely: number): number {
    if (this.instances[likely] === instance) return likely;
    const found = this.instances.indexOf(instance);
    if (found !== -1) return found;
    if (this.instances.length >= MAX_INSTANCES) return -1;
    this.instances.push(instance);
    if (this.instances.length * this.width > this.#sum.length) this.#grow();
    return this.instances.length - 1;
  }

  #grow(): void {
    const size = this.#sum.length * 2;
    const grown = <T extends Float64Array | Uint16Array>(from: T, to: T): T => {
      to.set(from);
      return to;
    };
    this.#sum = grown(this.#sum, new Float64Array(size));
    this.#max = grown(this.#max, new Float64Array(size));
    this.#count = grown(this.#count, new Uint16Array(size));
  }
}

/** Mean and maximum of the second values since the last `take`. */
export class Interval {
  readonly #totals = new Map<Family, Totals>();
  #samples = 0;

  /** Second values in it. */
  get samples(): number {
    return this.#samples;
  }

  add(sample: Sample): void {
    for (const table of sample.tables) {
      let totals = this.#totals.get(table.family);
      if (!totals) this.#totals.set(table.family, (totals = new Totals(table.family)));
      totals.add(table);
    }
    this.#samples++;
  }

  /** The rows as the wire has them, and how many second values they were made from; empty afterwards. */
  take(): { readonly samples: number; readonly families: FamilyRows[] } {
    const families: FamilyRows[] = [];
    for (const totals of this.#totals.values()) {
      const rows = totals.take();
      if (rows) families.push(rows);
    }
    const samples = this.#samples;
    this.#samples = 0;
    return { samples, families };
  }
}
