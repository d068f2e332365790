import { randomBytes } from "node:crypto";
import { copyFile, mkdir, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Role } from "../../config.ts";
import { type TestContext, testContext } from "../../testing/context.ts";
import { checkKeys, createMasterKey, loadTaskSigningKey } from "./index.ts";

let ctx: TestContext;
let folders: string;
beforeEach(async () => {
  ctx = await testContext();
  folders = await mkdtemp(join(tmpdir(), "devflow-keys-"));
});
afterEach(async () => {
  await ctx.close();
  await rm(folders, { recursive: true });
});

/** A controller with a data folder of its own comes to the keys' check. */
const start = async (name: string, options: { roles?: Role[]; masterKey?: TestContext["masterKey"] } = {}) => {
  const { roles = ["web", "gateway", "worker", "signer"], masterKey = ctx.masterKey } = options;
  const config = { dataDir: join(folders, name), databaseUrl: "postgres://x/devflow", secretKey: "given", roles: new Set(roles) };
  await mkdir(config.dataDir, { recursive: true });
  await checkKeys({ target: ctx.directTarget, log: ctx.log, config, masterKey });
};
const keys = (name: string): Promise<string[]> => readdir(join(folders, name, "keys")).catch(() => []);

it("takes the first controller's keys for the installation's, and starts it again", async () => {
  await start("a");
  expect((await stat(join(folders, "a/keys/task-signing.pem"))).mode & 0o777).toBe(0o600);
  await start("a");
});

it("refuses a second task-signing key, names both files, and makes none that would be wrong", async () => {
  await start("a");
  await expect(start("b")).rejects.toThrow(
    new RegExp(
      `${folders}/b/keys/task-signing.pem is not there. Copy keys/task-signing.pem from .* to ${folders}/b/keys/task-signing.pem .mode 600`,
    ),
  );
  expect(await keys("b")).toEqual([]);
  await loadTaskSigningKey({ dataDir: join(folders, "c") });
  await expect(start("c")).rejects.toThrow(/c\/keys\/task-signing.pem is another one/);
  await rm(join(folders, "c/keys/task-signing.pem"));
  await copyFile(join(folders, "a/keys/task-signing.pem"), join(folders, "c/keys/task-signing.pem"));
  await start("c");
});

it("lets one of several that start at once make the key", async () => {
  const names = ["a", "b", "c"];
  const outcomes = await Promise.allSettled(names.map((name) => start(name)));
  expect(outcomes.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected", "rejected"]);
  const made = await Promise.all(names.map(keys));
  expect(made.filter((files) => files.includes("task-signing.pem")).length).toBe(1);
});

it("asks of each role the half that it needs", async () => {
  await start("web", { roles: ["web"] });
  await start("worker", { roles: ["worker"] });
  expect([...(await keys("web")), ...(await keys("worker"))]).toEqual([]);
  await start("a");
  await expect(start("gateway", { roles: ["gateway"] })).rejects.toThrow(/gateway\/keys\/task-signing.pub.pem cannot be read/);
  await loadTaskSigningKey({ dataDir: join(folders, "gateway") });
  await expect(start("gateway", { roles: ["gateway"] })).rejects.toThrow(/task-signing.pub.pem is another one/);
  await copyFile(join(folders, "a/keys/task-signing.pub.pem"), join(folders, "gateway/keys/task-signing.pub.pem"));
  await start("gateway", { roles: ["gateway"] });
});

it("refuses another master key, for every role", async () => {
  await start("a");
  const masterKey = createMasterKey(randomBytes(32));
  for (const role of ["web", "gateway", "worker", "signer"] as const)
    await expect(start("a", { roles: [role], masterKey })).rejects.toThrow(
      /DEVFLOW_SECRET_KEY is not the master key that this database was made with/,
    );
  await start("a");
});
