import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { admin } from "./admin.ts";
import { readConfig } from "./config.ts";
import { checkKeys, loadMasterKey, loadTaskSigningKey } from "./platform/crypto/index.ts";
import { openDatabase } from "./platform/db/index.ts";
import { createLog } from "./platform/log/index.ts";

const folder = mkdtempSync(join(tmpdir(), "devflow-admin-"));
chmodSync(folder, 0o755); // the database's user passes through
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const config = readConfig({ DEVFLOW_DATA_DIR: join(folder, "data") });

test("after-restore raises the epoch each time it is run, and refuses while a controller has the database", async () => {
  const restored = async () => {
    const said: string[] = [];
    expect(await admin(["after-restore"], config, (line) => said.push(line))).toBe(0);
    return { epoch: Number(/epoch (\d+)/.exec(said.join())?.[1]), log: said.at(-1) };
  };
  const first = await restored();
  expect(first.epoch).toBeGreaterThan(1);
  // Nothing can be signed before a controller has made the key.
  expect(first.log).toMatch(/key is not on this machine/);
  await loadTaskSigningKey(config);
  const running = await openDatabase(config, createLog("error"));
  await expect(admin(["after-restore"], config, () => undefined)).rejects.toThrow(/running|in use|another/i);
  await running.close();
  expect(await restored()).toEqual({ epoch: first.epoch + 1, log: expect.stringMatching(/accepted as lost/) });
});

test("forget-task-key lets the next controller say which key signs tasks", async () => {
  const log = createLog("error");
  const check = async () => {
    const { directTarget: target, ...database } = await openDatabase(config, log);
    try {
      await checkKeys({ target, log, config, masterKey: await loadMasterKey(config) });
    } finally {
      await database.close();
    }
  };
  await check();
  rmSync(join(config.dataDir, "keys/task-signing.pem"));
  await expect(check()).rejects.toThrow(/devflow admin forget-task-key/);
  const said: string[] = [];
  expect(await admin(["forget-task-key"], config, (line) => said.push(line))).toBe(0);
  expect(said.join()).toContain("enrolled again");
  await check();
});

test("anything else says how it is used", async () => {
  const said: string[] = [];
  expect(await admin(["drop"], config, (line) => said.push(line))).toBe(2);
  expect(said.join()).toContain("after-restore");
});
