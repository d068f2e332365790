import { generateKeyPairSync, sign } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import { checkpointToWire as toWire } from "@devflow/rpc/audit-checkpoint";
import { checkpointLines, createCheckpointKeeper, lookAtCheckpoints } from "./index.ts";

const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const organizationId = "0d5bd2c2-1c33-4d39-8a3c-5d1f2c1f0a01";
let stateDir: string;
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), "devflow-keeper-"));
  writeFileSync(join(stateDir, "task-signing.pub"), publicKey.export({ type: "spki", format: "pem" }));
});
afterEach(() => rmSync(stateDir, { recursive: true }));

const open = () => createCheckpointKeeper({ stateDir, log: pino({ level: "silent" }) });
function offer(sequence: number, hash = "ab".repeat(32)) {
  const at = "2026-11-20T12:00:00.000Z";
  const text = `devflow audit checkpoint 1\n${organizationId}\n${sequence}\n${hash}\n${at}\n`;
  return toWire({
    organizationId,
    sequence,
    hash,
    at,
    signature: sign(null, Buffer.from(text), privateKey).toString("base64"),
  });
}
const rows = async () => (await checkpointLines(stateDir)).map((line) => (JSON.parse(line) as { sequence: number }).sequence);

test("keeps what it was given through a restart, and goes neither back nor sideways", async () => {
  const keeper = await open();
  expect(keeper.claims()).toEqual([]);
  expect(await keeper.offered(offer(5))).toEqual({ held: [], refused: "" });
  expect(await keeper.offered(offer(7))).toMatchObject({ held: [{ sequence: 5n }], refused: "" });
  expect(statSync(join(stateDir, "audit-checkpoints.ndjson")).mode & 0o777).toBe(0o600);

  const again = await open();
  expect(again.claims()).toMatchObject([{ sequence: 7n }]);
  expect(await again.offered(offer(6))).toMatchObject({
    held: [{ sequence: 7n }],
    refused: expect.stringContaining("went back") as string,
  });
  expect(await again.offered(offer(7, "cd".repeat(32)))).toMatchObject({ refused: expect.stringContaining("another hash") as string });
  expect(again.status()).toMatchObject({ newest: { sequence: 7 }, refused: expect.stringContaining("another hash") as string });
  expect(await rows()).toEqual([7]);
  expect(await again.offered(offer(8))).toMatchObject({ refused: "" });
  expect(again.status().refused).toBeNull();
  expect(await lookAtCheckpoints(stateDir)).toEqual({ kept: 1, newest: 8, wrong: null });
});

test("leaves out damaged lines, and never writes over a file that it cannot read", async () => {
  await (await open()).offered(offer(5));
  const path = join(stateDir, "audit-checkpoints.ndjson");
  const text = readFileSync(path, "utf8");
  writeFileSync(path, `${text}{"organizationId":`);
  expect((await open()).status()).toMatchObject({ kept: 1 });
  expect((await lookAtCheckpoints(stateDir)).wrong).toContain("damaged");

  const long = "x".repeat(1024 * 1024 + 1);
  writeFileSync(path, long);
  const keeper = await open();
  expect((await keeper.offered(offer(9))).refused).toContain("longer than 1 MiB");
  expect(readFileSync(path, "utf8")).toBe(long);
});

test("a file that cannot be written is told, and what is held stays", async () => {
  const keeper = await open();
  await keeper.offered(offer(5));
  // In the way of the temporary file.
  mkdirSync(join(stateDir, "audit-checkpoints.ndjson.tmp"));
  expect((await keeper.offered(offer(6))).refused).toContain("could not be stored");
  expect(keeper.claims()).toMatchObject([{ sequence: 5n }]);
  expect(await rows()).toEqual([5]);
});
