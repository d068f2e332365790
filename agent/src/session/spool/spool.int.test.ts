import { execFileSync } from "node:child_process";
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SEGMENT_BYTES } from "./segments.ts";
import { Spool, type SpoolOptions } from "./spool.ts";

const T = 1_767_225_600;
let dir: string;
beforeEach(() => (dir = mkdtempSync(join(tmpdir(), "devflow spool "))));
afterEach(async () => {
  for (const spool of opened.splice(0)) await spool.close();
  rmSync(dir, { recursive: true, force: true });
});

/** A spool that is not closed in a test plays a killed process; its descriptor is given back afterwards. */
const opened: Spool[] = [];
const open = async (options: Partial<SpoolOptions> = {}) => {
  const spool = await Spool.open({ dir, ...options });
  opened.push(spool);
  return spool;
};
interface Added {
  size?: number;
  timeS?: number;
  settled?: boolean;
  nowS?: number | null;
}
const add = (spool: Spool, n: number, { size = 100, timeS = T, settled = true, nowS = timeS }: Added = {}) =>
  Array.from({ length: n }, () => spool.append({ timeS, settled, encode: (sequence) => Buffer.alloc(size, sequence % 256) }, nowS));
const waiting = (spool: Spool) => {
  const found: number[] = [];
  for (let n = spool.waitingFrom(0); n !== undefined; n = spool.waitingFrom(n + 1)) found.push(n);
  return found;
};
const segments = () => readdirSync(dir).filter((name) => name.endsWith(".seg"));

test("what waits survives a process that was killed, byte for byte", async () => {
  const before = await open();
  const sequences = add(before, 20);
  await before.flush(); // killed: no close()
  const after = await open();
  expect(after.spoolId).toBe(before.spoolId);
  expect(waiting(after)).toEqual(sequences);
  const record = await after.read(sequences[7] as number);
  expect(Buffer.from(record?.batch ?? [])).toEqual(Buffer.alloc(100, (sequences[7] as number) % 256));
});

test("acknowledged ranges are remembered by a closed spool; a killed one sends them again and nothing else", async () => {
  const first = await open();
  const [a, b, c, d] = add(first, 4) as [number, number, number, number];
  first.settle(b, c);
  await first.close();
  const second = await open();
  expect(waiting(second)).toEqual([a, d]);
  second.settle(a);
  await second.flush(); // killed
  expect(waiting(await open())).toEqual([a, d]);
});

test("a sequence is never given out twice, even when the newest records were lost with the power", async () => {
  const seen = new Set<number>();
  for (let i = 0; i < 5; i++) {
    const spool = await open();
    for (const sequence of add(spool, 30)) {
      expect(seen.has(sequence)).toBe(false);
      seen.add(sequence);
    }
    await spool.flush();
    if (i % 2 === 0) for (const name of segments()) rmSync(join(dir, name));
  }
});

test("a torn last record is cut, and the next one is written behind the good ones", async () => {
  const first = await open();
  const sequences = add(first, 3);
  await first.flush();
  const path = join(dir, segments()[0] as string);
  const good = statSync(path).size;
  appendFileSync(path, readFileSync(path).subarray(0, 60));
  const second = await open();
  expect(second.found).toEqual({ torn: 1, damaged: 0 });
  expect(statSync(path).size).toBe(good);
  const [next] = add(second, 1) as [number];
  await second.flush();
  expect(waiting(await open())).toEqual([...sequences, next]);
});

test("a damaged record in the middle is left out and counted", async () => {
  const first = await open();
  const [a, b, c] = add(first, 3) as [number, number, number];
  await first.flush();
  const path = join(dir, segments()[0] as string);
  const bytes = readFileSync(path);
  const middle = Math.floor(bytes.length / 2);
  bytes.writeUInt8(bytes.readUInt8(middle) ^ 0xff, middle);
  writeFileSync(path, bytes);
  const second = await open();
  expect(waiting(second)).toEqual([a, c]);
  expect(second.status).toMatchObject({ batches: 2, damaged: 1 });
  expect(await second.read(b)).toBeNull();
});

test("a record that is damaged while the agent runs is given up and counted", async () => {
  const spool = await open();
  const [first] = add(spool, 30) as [number];
  await spool.flush();
  writeFileSync(join(dir, segments()[0] as string), "");
  expect(await spool.read(first)).toBeNull();
  expect(spool.has(first)).toBe(false);
  expect(spool.status).toMatchObject({ damaged: 1, dropped: 1 });
});

test("a damaged state file begins a new spool id, and the batches are still there", async () => {
  const first = await open();
  add(first, 3);
  await first.close();
  writeFileSync(join(dir, "spool.json"), "{");
  const second = await open();
  expect(second.spoolId).not.toBe(first.spoolId);
  expect(waiting(second)).toHaveLength(3);
});

test("bounded by bytes: the oldest are dropped and counted", async () => {
  const spool = await open({ maxBytes: 3 * SEGMENT_BYTES });
  const size = 16_000;
  const sequences = add(spool, 100, { size });
  await spool.flush();
  expect(spool.status.bytes).toBeLessThanOrEqual(3 * SEGMENT_BYTES);
  expect(spool.status.dropped).toBeGreaterThan(40);
  expect(spool.status.batches).toBe(100 - spool.status.dropped);
  expect(waiting(spool)).toEqual(sequences.slice(spool.status.dropped));
  await spool.close();
  expect((await open()).status.dropped).toBe(spool.status.dropped);
});

test("bounded by age: only what is certainly too old", async () => {
  const spool = await open({ maxAgeS: 3600 });
  const perSegment = Math.ceil(SEGMENT_BYTES / 16_000);
  add(spool, perSegment, { size: 16_000, timeS: T });
  add(spool, perSegment, { size: 16_000, timeS: T + 10, settled: false, nowS: null });
  const fresh = add(spool, 1, { timeS: T + 7_200, nowS: T + 7_200 });
  await spool.flush();
  expect(spool.status.dropped).toBeGreaterThan(0);
  expect(spool.status.dropped).toBeLessThanOrEqual(perSegment);
  expect(waiting(spool)).toContain(fresh[0]);
  expect(waiting(spool).length).toBeGreaterThanOrEqual(perSegment);
});

test("files go when their batches are settled", async () => {
  const spool = await open();
  const sequences = add(spool, 100, { size: 16_000 });
  await spool.flush();
  expect(segments().length).toBeGreaterThan(5);
  spool.settle(sequences[0] as number, sequences.at(-1));
  add(spool, 1);
  await spool.flush();
  expect(segments().length).toBeLessThanOrEqual(2);
});

test("a spool without a folder is a memory of bounded size", async () => {
  const spool = await Spool.open({ dir: null, maxMemoryBytes: 10_000 });
  const sequences = add(spool, 150);
  expect(waiting(spool)).toEqual(sequences.slice(50));
  expect(spool.status).toMatchObject({ batches: 100, dropped: 50, error: "" });
});

test("a folder that cannot be made: memory, and the reason in words", async () => {
  writeFileSync(join(dir, "file"), "");
  const spool = await Spool.open({ dir: join(dir, "file", "spool") });
  expect(spool.status.error).toMatch(/cannot be written: .*ENOTDIR.*memory only/);
  expect(add(spool, 2)).toHaveLength(2);
  expect(waiting(spool)).toHaveLength(2);
});

const canMount =
  process.getuid?.() === 0 &&
  (() => {
    const probe = mkdtempSync(join(tmpdir(), "devflow-mount-"));
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", probe], { stdio: "ignore" });
      execFileSync("umount", [probe]);
      return true;
    } catch {
      return false; // no such right in this container
    } finally {
      rmSync(probe, { recursive: true });
    }
  })();

describe.skipIf(!canMount)("on a full disk (needs the right to mount)", () => {
  beforeEach(() => execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", dir]));
  afterEach(async () => {
    for (const spool of opened.splice(0)) await spool.close();
    execFileSync("umount", ["-l", dir]);
  });

  test("new batches stay in memory, bounded, with the reason; they reach the disk when there is space again", async () => {
    writeFileSync(join(dir, "ballast"), Buffer.alloc(40 * 1024));
    const spool = await open({ maxMemoryBytes: 20_000 });
    const sequences = add(spool, 60, { size: 1_000 });
    await spool.flush();
    expect(spool.status.error).toMatch(/No space left .* memory only/);
    expect(spool.status.batches).toBeLessThan(60);
    expect(spool.status.dropped).toBe(60 - spool.status.batches);
    expect(spool.has(sequences.at(-1) as number)).toBe(true);
    const kept = waiting(spool);

    rmSync(join(dir, "ballast"));
    kept.push(...add(spool, 1));
    await spool.flush();
    expect(spool.status.error).toBe("");
    expect(waiting(await open())).toEqual(kept);
  });

  test("a disk that is full from the start: the backlog is still there and sequences do not repeat", async () => {
    const first = await open();
    const sequences = add(first, 5);
    await first.flush();
    try {
      writeFileSync(join(dir, "ballast"), Buffer.alloc(64 * 1024));
    } catch {
      // full is what is wanted
    }
    const second = await open();
    expect(second.spoolId).toBe(first.spoolId);
    expect(second.status.error).toMatch(/No space left/);
    expect(waiting(second)).toEqual(sequences);
    const [next] = add(second, 1) as [number];
    expect(next).toBeGreaterThan(sequences.at(-1) as number);
  });
});
