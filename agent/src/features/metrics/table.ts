import { type Family, type FamilyName, familyByName, MAX_STORED } from "@devflow/catalogue";

/** Most rows of a family that the wire takes. */
export const MAX_INSTANCES = 128;
const MAX_INSTANCE_BYTES = 255;
const MAX_INT = 2 ** 31 - 1;

/**
 * Rows of one family for one second. Cells hold stored integers (natural value / step, rounded), NaN for
 * "not measured". Reused each second.
 */
export class Table {
  readonly family: Family;
  readonly width: number;
  readonly instances: string[] = [];
  /** Row-major, `width` cells a row; only the rows of `instances` mean anything. */
  cells: Float64Array;
  readonly #steps: number[];
  readonly #limits: number[];

  constructor(name: FamilyName) {
    const family = familyByName(name);
    if (!family) throw new Error(`the catalogue has no family ${name}`);
    this.family = family;
    this.width = family.measures.length;
    this.#steps = family.measures.map((m) => m.step);
    this.#limits = family.measures.map((m) => (m.type === "int" ? MAX_INT : MAX_STORED));
    this.cells = new Float64Array(this.width * 4);
  }

  clear(): void {
    this.instances.length = 0;
  }

  /** Adds a row of "not measured" and returns where its cells start; -1 when the wire would not take it. */
  add(instance: string): number {
    const rows = this.instances.length;
    if (rows >= MAX_INSTANCES || (instance.length > 80 && Buffer.byteLength(instance) > MAX_INSTANCE_BYTES)) return -1;
    const at = rows * this.width;
    if (at + this.width > this.cells.length) {
      const larger = new Float64Array(this.cells.length * 2);
      larger.set(this.cells);
      this.cells = larger;
    }
    this.cells.fill(Number.NaN, at, at + this.width);
    this.instances.push(instance);
    return at;
  }

  /** Sets a cell from its natural value; what is negative or not finite stays "not measured". */
  set(row: number, measure: number, natural: number): void {
    if (!(natural >= 0) || natural === Infinity) return;
    const stored = Math.round(natural / (this.#steps[measure] as number));
    const limit = this.#limits[measure] as number;
    this.cells[row + measure] = stored > limit ? limit : stored;
  }
}

/** Places of the named measures in their family's row. Throws when the catalogue does not have one. */
export function places<const N extends string>(family: FamilyName, names: readonly N[]): Readonly<Record<N, number>> {
  const measures = familyByName(family)?.measures ?? [];
  const found = names.map((name) => {
    const at = measures.findIndex((m) => m.name === name);
    if (at === -1) throw new Error(`the catalogue has no measure ${family}.${name}`);
    return [name, at];
  });
  return Object.fromEntries(found) as Record<N, number>;
}
