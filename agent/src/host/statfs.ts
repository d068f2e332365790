import { statfs } from "node:fs";

/** What statfs says, in bytes and inodes. */
export interface Space {
  readonly totalBytes: number;
  readonly freeBytes: number;
  /** Free for ordinary users. */
  readonly availableBytes: number;
  /** 0 where the file system has no fixed number of inodes. */
  readonly inodes: number;
  readonly inodesFree: number;
}

/** Highest number of calls that may be stuck in the kernel at once: half of libuv's threads stay free. */
const MAX_STUCK = 2;

/**
 * Asks for the space of file systems without ever waiting: the call runs on a thread, and a path whose
 * last call has not come back (dead storage) is left alone until it does.
 */
export class SpaceReader {
  readonly #statfs: typeof statfs;
  readonly #pending = new Set<string>();

  /** `ask`: the system call. Default: Node's. */
  constructor(ask: typeof statfs = statfs) {
    this.#statfs = ask;
  }

  /**
   * Calls `done` later with the answer, or with null when there is none. False when the path is still stuck, or too
   * many are: then nothing was asked and `done` is never called.
   */
  ask(path: string, done: (space: Space | null) => void): boolean {
    if (this.#pending.has(path) || this.#pending.size >= MAX_STUCK) return false;
    this.#pending.add(path);
    this.#statfs(path, (error, s) => {
      this.#pending.delete(path);
      if (error) return done(null);
      done({
        totalBytes: s.blocks * s.bsize,
        freeBytes: s.bfree * s.bsize,
        availableBytes: s.bavail * s.bsize,
        inodes: s.files,
        inodesFree: s.ffree,
      });
    });
    return true;
  }
}
