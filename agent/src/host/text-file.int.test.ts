import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, expect, it } from "vitest";
import { TextFile } from "./text-file.ts";

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0)) clean();
});

it("reads files of any length, again and again", () => {
  const folder = mkdtempSync(join(tmpdir(), "devflow-text-"));
  cleanups.push(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "file");
  for (const encoding of ["latin1", "utf8"] as const) {
    for (const length of [0, 1, 2047, 16 * 1024, 100_000]) {
      writeFileSync(path, "x".repeat(length));
      const file = new TextFile(path, encoding);
      expect([file.read()?.length, file.read()?.length]).toEqual([length, length]);
      writeFileSync(path, "short");
      expect(file.read()).toBe("short");
      file.close();
    }
  }
  expect(new TextFile(join(folder, "missing")).read()).toBeNull();
});

/** Runs a program where overlays of 60 layers are mounted, as on container hosts: lines of more than half a page. */
const overlays = [
  "set -e; mount -t tmpfs none /mnt; mkdir /mnt/a /mnt/b /mnt/last; layers=",
  "for i in $(seq 60); do l=/mnt/layer/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa$i; mkdir -p $l; layers=$layers:$l; done",
  "for m in a b; do mount -t overlay overlay -o lowerdir=${layers#:} /mnt/$m; done; mount -t tmpfs none /mnt/last",
  'exec "$@"',
].join("\n");
const amongOverlays = (...args: string[]) =>
  spawnSync("unshare", ["-m", "sh", "-c", overlays, "sh", ...args], { encoding: "utf8", timeout: 30_000 });

it.skipIf(amongOverlays("true").status !== 0)("reads mounts behind lines longer than half a page", () => {
  const module = fileURLToPath(new URL("./text-file.ts", import.meta.url));
  const script = `const { TextFile } = await import(${JSON.stringify(module)});
    const { readFileSync } = await import("node:fs");
    const path = "/proc/self/mountinfo";
    console.log(JSON.stringify([new TextFile(path, "utf8").read(), readFileSync(path, "utf8")]));`;
  const [read, whole] = JSON.parse(amongOverlays(process.execPath, "--input-type=module", "-e", script).stdout) as [string, string];
  expect(whole).toContain(" /mnt/last ");
  expect(read).toBe(whole);
});
