import { closeSync, openSync, readSync } from "node:fs";

const PAGE_BYTES = 4096;
/** /proc/net/tcp answers whole records of 150 bytes up to a page; clearly less than a page is the end. */
const LAST_CHUNK_BELOW = 3500;

/**
 * A kernel table too large to be read at once, read a page a call. The walk can rest between pages; going on costs
 * nothing, because the kernel remembers where the last read of this descriptor ended.
 */
export class ChunkedFile {
  readonly #path: string;
  readonly #buffer = Buffer.allocUnsafeSlow(PAGE_BYTES);
  #fd = -1;
  #offset = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** Starts over. False when the file is not there (no IPv6, for example). */
  rewind(): boolean {
    this.#offset = 0;
    if (this.#fd !== -1) return true;
    try {
      this.#fd = openSync(this.#path, "r");
      return true;
    } catch {
      return false; // "not measured"; the next walk tries again
    }
  }

  /** The next whole records, and whether they were the last. */
  next(): { text: string; last: boolean } {
    const n = readSync(this.#fd, this.#buffer, 0, PAGE_BYTES, this.#offset);
    const whole = this.#buffer.subarray(0, n).lastIndexOf(10) + 1 || n;
    this.#offset += whole;
    return { text: this.#buffer.toString("latin1", 0, whole), last: n < LAST_CHUNK_BELOW };
  }

  close(): void {
    if (this.#fd !== -1) closeSync(this.#fd);
    this.#fd = -1;
  }
}
