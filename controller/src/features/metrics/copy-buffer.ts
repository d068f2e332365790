/** Microseconds from 1970-01-01 to 2000-01-01, PostgreSQL's epoch. */
const POSTGRES_EPOCH_S = 946_684_800;
const HEADER = Buffer.from("PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0", "latin1");
const TWO_32 = 2 ** 32;

/**
 * Rows in PostgreSQL's binary COPY format, in one growing buffer that is used again.
 * Format: https://www.postgresql.org/docs/current/sql-copy.html
 */
export class CopyBuffer {
  #bytes: Buffer = Buffer.allocUnsafeSlow(0);
  #view = new DataView(this.#bytes.buffer);
  /** Where the next byte goes; set it back to drop what was written since. */
  length = 0;

  constructor(initialBytes = 64 * 1024) {
    this.#resize(Math.max(initialBytes, 1024));
    this.clear();
  }

  get view(): DataView {
    return this.#view;
  }

  /** Makes sure that so many more bytes fit, the trailer included. Call it before writing into `view`. */
  reserve(bytes: number): void {
    if (this.length + bytes + 2 > this.#bytes.length) this.#resize(Math.max(this.#bytes.length * 2, this.length + bytes + 2));
  }

  get isEmpty(): boolean {
    return this.length === HEADER.length;
  }

  clear(): void {
    HEADER.copy(this.#bytes);
    this.length = HEADER.length;
  }

  /** Appends rows that another buffer holds from `start` to `end`. */
  append(from: CopyBuffer, start: number, end: number): void {
    this.reserve(end - start);
    from.#bytes.copy(this.#bytes, this.length, start, end);
    this.length += end - start;
  }

  /** The whole COPY with its trailer; a view that is good until the next write. */
  finished(): Buffer {
    this.#view.setInt16(this.length, -1);
    return this.#bytes.subarray(0, this.length + 2);
  }

  #resize(size: number): void {
    const next = Buffer.allocUnsafeSlow(size);
    this.#bytes.copy(next, 0, 0, this.length);
    this.#bytes = next;
    this.#view = new DataView(next.buffer, next.byteOffset, next.byteLength);
  }
}

/** Writes a timestamptz field (length and value, 12 bytes) at `at`. */
export function writeTime(view: DataView, at: number, timeS: number): void {
  const micros = (timeS - POSTGRES_EPOCH_S) * 1e6;
  view.setInt32(at, 8);
  view.setInt32(at + 4, Math.floor(micros / TWO_32));
  view.setUint32(at + 8, ((micros % TWO_32) + TWO_32) % TWO_32);
}

/** Writes a bigint field (12 bytes) at `at`; the value must be a safe integer of 0 or more. */
export function writeBigint(view: DataView, at: number, value: number): void {
  view.setInt32(at, 8);
  view.setUint32(at + 4, Math.floor(value / TWO_32));
  view.setUint32(at + 8, value % TWO_32);
}
