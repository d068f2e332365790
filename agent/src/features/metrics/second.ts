import type { Family } from "@devflow/catalogue";
import type { FamilyRows } from "@devflow/proto/metrics/v1/metrics";
import type { SecondValues } from "../../feature.ts";
import { encodeRows } from "./encode.ts";
import type { Sample } from "./probe.ts";

/** Which rows a second has: the same object for as long as no device comes or goes. */
type Layout = readonly { readonly family: Family; readonly instances: readonly string[] }[];

/** What an array and its object take beside the cells. */
const OBJECT_BYTES = 256;

class Second implements SecondValues {
  readonly #layout: Layout;
  readonly #cells: Float64Array;

  constructor(layout: Layout, cells: Float64Array) {
    this.#layout = layout;
    this.#cells = cells;
  }

  get bytes(): number {
    return this.#cells.byteLength + OBJECT_BYTES;
  }

  /** Mean and maximum are the value itself. */
  encode(): FamilyRows[] {
    let at = 0;
    return this.#layout.map(({ family, instances }) => {
      const cells = this.#cells.subarray(at, (at += instances.length * family.measures.length));
      return encodeRows(family, instances, cells, cells);
    });
  }
}

/** Copies samples, which are filled anew each second, into values that stay. Families without rows are left out. */
export class Seconds {
  #layout: Layout = [];

  take({ tables }: Sample): SecondValues {
    const filled = tables.filter((table) => table.instances.length > 0);
    const same =
      filled.length === this.#layout.length &&
      filled.every(({ family, instances }, i) => {
        const known = this.#layout[i] as Layout[number];
        return (
          known.family === family &&
          known.instances.length === instances.length &&
          known.instances.every((name, n) => name === instances[n])
        );
      });
    if (!same) this.#layout = filled.map(({ family, instances }) => ({ family, instances: [...instances] }));
    const cells = new Float64Array(filled.reduce((sum, { instances, width }) => sum + instances.length * width, 0));
    let at = 0;
    for (const table of filled) {
      const used = table.instances.length * table.width;
      cells.set(table.cells.subarray(0, used), at);
      at += used;
    }
    return new Second(this.#layout, cells);
  }
}
