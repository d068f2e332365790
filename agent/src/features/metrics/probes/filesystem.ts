import { type Space, SpaceReader } from "../../../host/statfs.ts";
import { TextFile } from "../../../host/text-file.ts";
import { type Mount, parseMounts } from "../../../host/mounts.ts";
import type { Probe, Sample, Tick } from "../probe.ts";
import { MAX_INSTANCES, places } from "../table.ts";

const FILESYSTEM = places("filesystem", ["total", "used", "available", "inodes_total", "inodes_used"]);

const EVERY_SECONDS = 10;

/** Space and inodes of mounted file systems, asked every 10 s; the last answer stands in between. */
export class FilesystemProbe implements Probe {
  readonly #root: string;
  readonly #mountinfo: TextFile;
  readonly #reader = new SpaceReader();
  #text: string | null = null;
  #mounts: readonly Mount[] = [];
  readonly #spaces = new Map<string, Space>();

  constructor(root: string) {
    this.#root = root;
    this.#mountinfo = new TextFile(`${root}/proc/self/mountinfo`, "utf8");
  }

  read({ number }: Tick, { filesystem }: Sample): void {
    if (number % EVERY_SECONDS === 0) this.#refresh();
    for (const { mountPoint } of this.#mounts) {
      const space = this.#spaces.get(mountPoint);
      if (!space) continue;
      const at = filesystem.add(mountPoint);
      if (at === -1) continue;
      filesystem.set(at, FILESYSTEM.total, space.totalBytes);
      filesystem.set(at, FILESYSTEM.used, space.totalBytes - space.freeBytes);
      filesystem.set(at, FILESYSTEM.available, space.availableBytes);
      if (space.inodes === 0) continue;
      filesystem.set(at, FILESYSTEM.inodes_total, space.inodes);
      filesystem.set(at, FILESYSTEM.inodes_used, space.inodes - space.inodesFree);
    }
  }

  close(): void {
    this.#mountinfo.close();
  }

  #refresh(): void {
    const text = this.#mountinfo.read();
    if (text !== this.#text) {
      this.#text = text;
      this.#mounts = parseMounts(text ?? "").slice(0, MAX_INSTANCES);
      const there = new Set(this.#mounts.map((m) => m.mountPoint));
      for (const mountPoint of this.#spaces.keys()) if (!there.has(mountPoint)) this.#spaces.delete(mountPoint);
    }
    this.#askFrom(0, this.#mounts);
  }

  /** One after the other, so that one thread serves them all. A stuck one is passed over in later rounds. */
  #askFrom(index: number, mounts: readonly Mount[]): void {
    const mount = mounts[index];
    if (!mount || mounts !== this.#mounts) return;
    const asked = this.#reader.ask(this.#root + mount.mountPoint, (space) => {
      // Nothing stored, or gone meanwhile: no row rather than an old one.
      if (space && space.totalBytes > 0) this.#spaces.set(mount.mountPoint, space);
      else this.#spaces.delete(mount.mountPoint);
      this.#askFrom(index + 1, mounts);
    });
    if (!asked) this.#askFrom(index + 1, mounts);
  }
}
