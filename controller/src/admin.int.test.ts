import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { admin } from "./admin.ts";
import { readConfig } from "./config.ts";
import { checkKeys, loadMasterKey } from "./platform/crypto/index.ts";
import { openDatabase } from "./platform/db/index.ts";
import { createLog } from "./platform/log/index.ts";

const folder = mkdtempSync(join(tmpdir(), "devflow-admin-"));
chmodSync(folder, 0o755); // the database's user passes through
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const config = readConfig({ DEVFLOW_DATA_DIR: join(folder, "data") });

test("after-restore raises the epoch each time it is run, and refuses while a controller has the database", async () => {
  const said: string[] = [];
  const say = (line: string) => void said.push(line);
  expect(await admin(["after-restore"], config, say)).toBe(0);
  expect(said[0]).toContain("epoch 2");
  const running = await openDatabase(config, createLog("error"));
  await expect(admin(["after-restore"], config, say)).rejects.toThrow(/running|in use|another/i);
  await running.close();
  expect(await admin(["after-restore"], config, say)).toBe(0);
  expect(said.at(-2)).toContain("epoch 3");
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
