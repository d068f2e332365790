import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Journal } from "./journal.ts";
import type { RunOutcome } from "./journal-record.ts";

const done: RunOutcome = { state: "succeeded", exitCode: 0, error: null, result: { answer: "pong" } };
const day = 24 * 3_600_000;
const now = Date.UTC(2026, 10, 20);
const run = (runId: string, expiresMs = now + 60_000) => ({ runId, type: "servers.ping", expiresMs });

describe("an executor's journal", () => {
  let folder: string;
  let count = 0;
  beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "devflow-journal-"))));
  afterAll(() => rm(folder, { recursive: true }));
  const fresh = () => join(folder, String(count++));

  it("knows a run from its acceptance on, also when it is opened again", async () => {
    const dir = fresh();
    const first = await Journal.open(dir, now);
    const accepted = await Promise.all([first.accept(run("a"), now), first.accept(run("a"), now), first.accept(run("b"), now)]);
    expect(accepted).toEqual([true, false, true]);
    await first.start("a", { pid: 7, startTicks: 99, bootId: "boot", cgroup: null }, now);
    await first.end("a", done, now);
    await first.settle("b", now); // has no outcome yet: stays
    await first.close();
    const second = await Journal.open(dir, now);
    expect(await second.accept(run("a"), now)).toBe(false);
    expect(second.get("a")).toMatchObject({ started: true, process: { pid: 7, startTicks: 99 }, outcome: done, stored: false });
    expect(second.unsettled().map(({ runId }) => runId)).toEqual(["a", "b"]);
    await second.settle("a", now);
    expect(second.unsettled().map(({ runId }) => runId)).toEqual(["b"]);
    await second.close();
  });

  it("forgets a run a day after its envelope expired, and not before its outcome is stored", async () => {
    const dir = fresh();
    const journal = await Journal.open(dir, now);
    for (const id of ["over", "recent", "kept"]) await journal.accept(run(id, id === "recent" ? now : now - day - 1), now);
    for (const id of ["over", "recent", "kept"]) await journal.end(id, done, now);
    for (const id of ["over", "recent"]) await journal.settle(id, now);
    await journal.close();
    const again = await Journal.open(dir, now);
    expect(["over", "recent", "kept"].map((id) => again.get(id) !== null)).toEqual([false, true, true]);
    await again.close();
  });

  it("stays small and loses nothing while it is written anew", async () => {
    const dir = fresh();
    const journal = await Journal.open(dir, now);
    const long = { ...done, result: "x".repeat(20_000) };
    for (let i = 0; i < 120; i++) {
      const { runId } = run(`r${i}`);
      await journal.accept(run(runId, now - 2 * day), now);
      await journal.end(runId, long, now);
      await Promise.all([journal.settle(runId, now), journal.accept(run(`open${i}`), now)]);
    }
    await journal.close();
    expect((await readFile(join(dir, "journal"))).length).toBeLessThan(1_100_000);
    const again = await Journal.open(dir, now);
    expect(again.unsettled()).toHaveLength(120);
    await again.close();
  });

  it("is cut where a crash tore it, at every byte of the last line", async () => {
    const dir = fresh();
    const journal = await Journal.open(dir, now);
    await journal.accept(run("whole"), now);
    const before = (await readFile(join(dir, "journal"))).length;
    await journal.accept(run("torn"), now);
    await journal.close();
    const bytes = await readFile(join(dir, "journal"));
    for (let end = before; end < bytes.length; end++) {
      await writeFile(join(dir, "journal"), bytes.subarray(0, end));
      const again = await Journal.open(dir, now + 5);
      expect([end, again.get("whole") !== null, again.get("torn"), again.floorMs]).toEqual([end, true, null, 0]);
      expect(await again.accept(run("next"), now)).toBe(true);
      await again.close();
    }
  });

  it("that was damaged refuses what was signed before, for good", async () => {
    const dir = fresh();
    const journal = await Journal.open(dir, now);
    for (const id of ["a", "b"]) await journal.accept(run(id), now);
    await journal.close();
    const bytes = await readFile(join(dir, "journal"));
    bytes[20] = bytes[20]! ^ 1;
    await writeFile(join(dir, "journal"), bytes);
    const damaged = await Journal.open(dir, now + 5);
    expect([damaged.get("a"), damaged.get("b") !== null, damaged.floorMs]).toEqual([null, true, now + 5]);
    await damaged.close();
    const later = await Journal.open(dir, now + 10);
    expect(later.floorMs).toBe(now + 5);
    await later.close();
  });

  it("takes nothing that is no record for one", async () => {
    const dir = fresh();
    const journal = await Journal.open(dir, now);
    await journal.accept(run("a"), now);
    await journal.close();
    await appendFile(join(dir, "journal"), '00000000 {"kind":"ended","runId":"a","atMs":0,"outcome":{"state":"succeeded"}}\n\n\0\0\0\n');
    const again = await Journal.open(dir, now);
    expect(again.get("a")?.outcome).toBeNull();
    await again.close();
  });

  it("that cannot be written does not know the run, which must not start then", async () => {
    const dir = fresh();
    const journal = await Journal.open(dir, now);
    await journal.close();
    await expect(journal.accept(run("refused"), now)).rejects.toThrow(/closed/);
    expect(journal.get("refused")).toBeNull();
  });
});
