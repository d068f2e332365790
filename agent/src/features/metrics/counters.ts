/** Counters of several instances at one moment; two of these are swapped between readings. */
export class Counters {
  readonly width: number;
  readonly names: string[] = [];
  values: Float64Array;

  constructor(width: number) {
    this.width = width;
    this.values = new Float64Array(width * 4);
  }

  clear(): void {
    this.names.length = 0;
  }

  /** Adds an instance and returns where its values start; they hold NaN. */
  add(name: string): number {
    const at = this.names.length * this.width;
    if (at + this.width > this.values.length) {
      const larger = new Float64Array(this.values.length * 2);
      larger.set(this.values);
      this.values = larger;
    }
    this.values.fill(Number.NaN, at, at + this.width);
    this.names.push(name);
    return at;
  }

  /** Where an instance's values start, -1 when it is not there. `row`: where it most likely is. */
  find(name: string, row: number): number {
    const found = this.names[row] === name ? row : this.names.indexOf(name);
    return found === -1 ? -1 : found * this.width;
  }
}

const WRAP_32 = 2 ** 32;

/**
 * How much a counter grew; NaN when it was reset or a side is missing.
 * `wrapBelow`: a fall counts as a wrap at 2^32 when the growth would then be less than this (some kernel counters
 * have 32 bits even on 64-bit machines); above it a fall is a reset. Default 0: never a wrap.
 */
export function growth(before: number, now: number, wrapBelow = 0): number {
  const difference = now - before;
  if (difference >= 0) return difference;
  if (before < WRAP_32 && difference + WRAP_32 < wrapBelow) return difference + WRAP_32;
  return Number.NaN;
}

/** Remembers a rule's choice among names, since which devices there are changes seldom. */
export class Choice {
  readonly #rule: (names: readonly string[]) => ReadonlySet<string>;
  #names = "";
  #chosen: ReadonlySet<string> = new Set();

  constructor(rule: (names: readonly string[]) => ReadonlySet<string>) {
    this.#rule = rule;
  }

  /** The names that the rule picks. */
  of(names: readonly string[]): ReadonlySet<string> {
    const joined = names.join(" ");
    if (joined !== this.#names) {
      this.#names = joined;
      this.#chosen = this.#rule(names);
    }
    return this.#chosen;
  }
}
