/** A set of whole numbers kept as sorted, disjoint ranges: a backlog of days is one or two of them. */
export class RangeSet {
  /** [first, last] pairs, both included, ascending, never touching. */
  #ranges: [number, number][] = [];

  constructor(ranges: Iterable<readonly [number, number]> = []) {
    for (const [first, last] of ranges) this.add(first, last);
  }

  get ranges(): readonly (readonly [number, number])[] {
    return this.#ranges;
  }

  /** How many numbers. */
  get size(): number {
    let n = 0;
    for (const [first, last] of this.#ranges) n += last - first + 1;
    return n;
  }

  get first(): number | undefined {
    return this.#ranges[0]?.[0];
  }

  has(n: number): boolean {
    const range = this.#ranges[this.#at(n)];
    return range !== undefined && range[0] <= n;
  }

  /** The smallest member that is not below n. */
  from(n: number): number | undefined {
    const range = this.#ranges[this.#at(n)];
    return range === undefined ? undefined : Math.max(n, range[0]);
  }

  add(first: number, last = first): void {
    // Neighbours that touch are joined.
    const start = this.#at(first - 1);
    let end = start;
    let low = first;
    let high = last;
    for (; end < this.#ranges.length; end++) {
      const range = this.#ranges[end] as [number, number];
      if (range[0] > last + 1) break;
      low = Math.min(low, range[0]);
      high = Math.max(high, range[1]);
    }
    this.#ranges.splice(start, end - start, [low, high]);
  }

  remove(first: number, last = first): void {
    const start = this.#at(first);
    const kept: [number, number][] = [];
    let end = start;
    for (; end < this.#ranges.length; end++) {
      const [low, high] = this.#ranges[end] as [number, number];
      if (low > last) break;
      if (low < first) kept.push([low, first - 1]);
      if (high > last) kept.push([last + 1, high]);
    }
    this.#ranges.splice(start, end - start, ...kept);
  }

  /** Whether any member lies in the range. */
  touches(first: number, last: number): boolean {
    const range = this.#ranges[this.#at(first)];
    return range !== undefined && range[0] <= last;
  }

  /** Index of the first range that does not end before n. */
  #at(n: number): number {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#ranges[middle] as [number, number])[1] < n) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
