/**
 * Codec of FamilyRows.cells (proto/devflow/metrics/v1): row-major varints, 0 for "not measured", otherwise
 * zigzag(value) + 1. Plain arithmetic instead of bit operations beyond 2^31, so that values up to ±2^51 survive.
 */

/** Largest magnitude of a stored value on the wire. */
export const MAX_STORED = 2 ** 51;

/** Writes cells into a growing buffer. */
export class CellWriter {
  #buffer: Uint8Array;
  #length = 0;

  constructor(initialBytes = 1024) {
    this.#buffer = new Uint8Array(initialBytes);
  }

  /** Appends one cell; null means "not measured". The value must be an integer within ±MAX_STORED. */
  write(value: number | null): void {
    if (this.#length + 8 > this.#buffer.length) this.#grow();
    let n = value === null ? 0 : (value < 0 ? -value * 2 - 1 : value * 2) + 1;
    while (n >= 0x80) {
      this.#buffer[this.#length++] = (n % 0x80) | 0x80;
      n = Math.floor(n / 0x80);
    }
    this.#buffer[this.#length++] = n;
  }

  /** A copy of what was written; the writer is empty afterwards. */
  take(): Uint8Array {
    const bytes = this.#buffer.slice(0, this.#length);
    this.#length = 0;
    return bytes;
  }

  #grow(): void {
    const next = new Uint8Array(this.#buffer.length * 2);
    next.set(this.#buffer);
    this.#buffer = next;
  }
}

/**
 * Reads all cells into `out` (NaN for "not measured") and returns how many there were.
 * Throws RangeError when the bytes end inside a cell, a cell exceeds 2^53, or `out` is too small.
 */
export function readCells(bytes: Uint8Array, out: Float64Array): number {
  let count = 0;
  let at = 0;
  const end = bytes.length;
  while (at < end) {
    let byte = bytes[at++] as number;
    let n = byte & 0x7f;
    if (byte >= 0x80) {
      let factor = 0x80;
      do {
        if (at >= end) throw new RangeError("cells end inside a varint");
        byte = bytes[at++] as number;
        n += (byte & 0x7f) * factor;
        factor *= 0x80;
      } while (byte >= 0x80 && factor <= 2 ** 49);
      if (byte >= 0x80 || n > Number.MAX_SAFE_INTEGER) throw new RangeError("a cell is longer than 8 bytes or exceeds 2^53");
    }
    if (count >= out.length) throw new RangeError(`more than ${out.length} cells`);
    out[count++] = n === 0 ? Number.NaN : (n - 1) % 2 === 0 ? (n - 1) / 2 : -n / 2;
  }
  return count;
}
