import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { createTestCa, type TestKeyPair } from "../../../controller/src/platform/rpc/pki.testkit.ts";
import { loadCredentials, promoteCredentials, stageCredentials, writeFirstCredentials } from "./credentials.ts";

let dir: string;
let first: TestKeyPair;
let second: TestKeyPair;
beforeAll(async () => {
  const ca = await createTestCa();
  first = await ca.issue("agent", "client");
  second = await ca.issue("agent", "client");
});
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "devflow-state-"));
  await writeFirstCredentials(dir, { keyPem: first.keyPem, certificatePem: first.certPem, caPem: "ca", taskSigningPem: "pub" });
});
afterEach(() => rmSync(dir, { recursive: true }));

const held = async () => (await loadCredentials(dir)).map((found) => [found.keyPem === second.keyPem ? "second" : "first", found.staged]);

test("the key is for its owner alone, even over a file that was not", async () => {
  chmodSync(join(dir, "key.pem"), 0o644);
  await writeFirstCredentials(dir, { keyPem: first.keyPem, certificatePem: first.certPem, caPem: "ca", taskSigningPem: "pub" });
  expect(statSync(join(dir, "key.pem")).mode & 0o777).toBe(0o600);
  await stageCredentials(dir, second.keyPem, second.certPem);
  expect(statSync(join(dir, "next/key.pem")).mode & 0o777).toBe(0o600);
  expect(statSync(join(dir, "next")).mode & 0o777).toBe(0o700);
});

test("a staged pair is tried first, the current one stays beside it until it is promoted", async () => {
  await stageCredentials(dir, second.keyPem, second.certPem);
  expect(await held()).toEqual([
    ["second", true],
    ["first", false],
  ]);
  await promoteCredentials(dir);
  expect(await held()).toEqual([["second", false]]);
  expect(existsSync(join(dir, "next"))).toBe(false);
});

test("a crash between the two renames of a promotion loses nothing, and the next promotion finishes it", async () => {
  await stageCredentials(dir, second.keyPem, second.certPem);
  renameSync(join(dir, "next/key.pem"), join(dir, "key.pem"));
  expect(await held()).toEqual([["second", true]]);
  await promoteCredentials(dir);
  expect(await held()).toEqual([["second", false]]);
});

test("a crash while staging leaves the current pair alone", async () => {
  mkdirSync(join(dir, "next.new"));
  writeFileSync(join(dir, "next.new/key.pem"), second.keyPem);
  expect(await held()).toEqual([["first", false]]);
  await stageCredentials(dir, second.keyPem, second.certPem);
  expect(await held()).toEqual([
    ["second", true],
    ["first", false],
  ]);
});

test("a certificate for another key is not staged", async () => {
  await expect(stageCredentials(dir, second.keyPem, first.certPem)).rejects.toMatchObject({ code: "invalid" });
  expect(await held()).toEqual([["first", false]]);
});

test("without a usable pair it says what it looked for", async () => {
  writeFileSync(join(dir, "cert.pem"), second.certPem);
  await expect(loadCredentials(dir)).rejects.toThrow(/expected key.pem and cert.pem that belong together/);
  rmSync(join(dir, "cert.pem"));
  await expect(loadCredentials(dir)).rejects.toMatchObject({ code: "invalid" });
});
