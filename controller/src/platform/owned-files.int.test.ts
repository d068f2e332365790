import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { readOwnedFile, writeOwnedFile } from "./owned-files.ts";

const folder = mkdtempSync(join(tmpdir(), "devflow-owned-"));
afterAll(() => rmSync(folder, { recursive: true }));
const other = { uid: 65_534, gid: 65_534 };

test("a link that the folder's owner laid is replaced, and what it points to stays as it is", async () => {
  const [victim, path] = [join(folder, "victim"), join(folder, "file")];
  writeFileSync(victim, "root's", { mode: 0o644 });
  symlinkSync(victim, path);
  expect(await readOwnedFile(path)).toBeNull();
  await writeOwnedFile(path, "new", other);
  expect([readFileSync(victim, "utf8"), statSync(victim).uid]).toEqual(["root's", process.getuid?.()]);
  expect(await readOwnedFile(path)).toBe("new");
  expect([statSync(path).mode & 0o777, statSync(path).uid]).toEqual([0o600, process.getuid?.() === 0 ? other.uid : process.getuid?.()]);
});

test("a pipe, a folder, nothing and a file that is too long are no files, at once", async () => {
  execFileSync("mkfifo", [join(folder, "pipe")]);
  writeFileSync(join(folder, "long"), "x".repeat(100));
  for (const name of ["pipe", ".", "missing"]) expect(await readOwnedFile(join(folder, name))).toBeNull();
  expect(await readOwnedFile(join(folder, "long"), 99)).toBeNull();
  expect(await readOwnedFile(join(folder, "long"), 100)).toHaveLength(100);
});
