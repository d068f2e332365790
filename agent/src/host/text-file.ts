import { closeSync, openSync, readSync } from "node:fs";

/**
 * seq_file hands out whole records in chunks of a page, so where records are short a shorter answer than this is the
 * last one, which saves asking once more.
 */
const SHORT_READ = 2048;
/** Calls to let pass before a file that could not be opened is tried again. */
const RETRY_AFTER_CALLS = 60;

/** One buffer for all files: readings are turned into strings before the next one starts. */
let shared = Buffer.allocUnsafeSlow(16 * 1024);

/**
 * A small kernel file that is read again and again: the descriptor stays open and each reading is a pread from
 * offset 0 into a shared buffer.
 */
export class TextFile {
  readonly path: string;
  readonly #encoding: "latin1" | "utf8";
  readonly #lastBelow: number;
  #fd = -1;
  #skip = 0;

  /**
   * `encoding`: utf8 only where names of files can be inside; default latin1, which is cheaper. With names, records can be
   * longer than a page (a container's overlay lists all its layers), and only an empty answer is the end.
   */
  constructor(path: string, encoding: "latin1" | "utf8" = "latin1") {
    this.path = path;
    this.#encoding = encoding;
    this.#lastBelow = encoding === "utf8" ? 1 : SHORT_READ;
  }

  /** The whole text, or null when the file is not there or cannot be read; it is tried again a minute later. */
  read(): string | null {
    if (this.#skip > 0) {
      this.#skip--;
      return null;
    }
    try {
      if (this.#fd === -1) this.#fd = openSync(this.path, "r");
      let length = 0;
      for (;;) {
        if (length === shared.length) shared = Buffer.concat([shared, Buffer.allocUnsafeSlow(shared.length)]);
        const n = readSync(this.#fd, shared, length, shared.length - length, length);
        length += n;
        if (n < this.#lastBelow && length < shared.length) break;
      }
      return shared.toString(this.#encoding, 0, length);
    } catch {
      // Absent, forbidden or switched off (PSI answers EOPNOTSUPP): the measures of this file are "not measured".
      this.close();
      this.#skip = RETRY_AFTER_CALLS;
      return null;
    }
  }

  close(): void {
    if (this.#fd !== -1) closeSync(this.#fd);
    this.#fd = -1;
  }
}
