import { createPublicKey, randomBytes, verify } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, chmodSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createMasterKey, loadMasterKey, loadTaskSigningKey, taskSigningPublicKey } from "./index.ts";

let dataDir: string;
beforeAll(() => {
  dataDir = mkdtempSync(join(tmpdir(), "devflow-keys-"));
});
afterAll(() => rm(dataDir, { recursive: true }));

const secret = Buffer.from("private key bytes");

describe("master key", () => {
  it("opens what it wrapped, under the same name alone", () => {
    const key = createMasterKey(randomBytes(32));
    const wrapped = key.wrap("root", secret);
    expect(wrapped.length).toBe(12 + secret.length + 16);
    expect(wrapped.includes(secret)).toBe(false);
    expect(key.unwrap("root", wrapped)).toEqual(secret);
    expect(() => key.unwrap("gateway", wrapped)).toThrow(/"gateway" cannot be opened/);
    expect(() => createMasterKey(randomBytes(32)).unwrap("root", wrapped)).toThrow(/another master key/);
  });

  it("refuses bytes that were changed or cut anywhere", () => {
    const key = createMasterKey(randomBytes(32));
    const wrapped = key.wrap("root", secret);
    for (let at = 0; at < wrapped.length; at++) {
      const changed = Buffer.from(wrapped);
      changed[at] = (changed[at] as number) ^ 1;
      expect(() => key.unwrap("root", changed)).toThrow(/cannot be opened/);
      expect(() => key.unwrap("root", wrapped.subarray(0, at))).toThrow(/cannot be opened/);
    }
  });

  it("derives the same bytes for the same purpose alone", () => {
    const key = createMasterKey(Buffer.alloc(32, 7));
    expect(key.derive("a")).toHaveLength(32);
    expect(key.derive("a")).toEqual(createMasterKey(Buffer.alloc(32, 7)).derive("a"));
    expect(key.derive("a")).not.toEqual(key.derive("b"));
  });

  it("comes from the settings, or with the embedded database from a file that only its owner reads", async () => {
    const given = randomBytes(32);
    const fromSettings = await loadMasterKey({ dataDir, databaseUrl: "postgres://elsewhere/devflow", secretKey: given.toString("base64") });
    expect(createMasterKey(given).unwrap("x", fromSettings.wrap("x", secret))).toEqual(secret);

    const embedded = { dataDir, databaseUrl: null, secretKey: null };
    const [a, b] = await Promise.all([loadMasterKey(embedded), loadMasterKey(embedded)]);
    expect(b.unwrap("x", a.wrap("x", secret))).toEqual(secret);
    const path = join(dataDir, "keys/master.key");
    expect([statSync(path).mode & 0o777, statSync(join(dataDir, "keys")).mode & 0o777]).toEqual([0o600, 0o700]);
    expect((await loadMasterKey(embedded)).unwrap("x", a.wrap("x", secret))).toEqual(secret);
    chmodSync(path, 0o640);
    await expect(loadMasterKey(embedded)).rejects.toThrow(/mode 640.*chmod 600/);
    chmodSync(path, 0o600);
  });

  it("never starts without a key or with one that is none", async () => {
    const external = { dataDir, databaseUrl: "postgres://elsewhere/devflow" };
    await expect(loadMasterKey({ ...external, secretKey: null })).rejects.toThrow(/DEVFLOW_SECRET_KEY is not/);
    for (const secretKey of [
      "",
      "secret",
      "A".repeat(44),
      randomBytes(16).toString("base64"),
      randomBytes(33).toString("base64"),
      Buffer.alloc(32).toString("base64"),
    ]) {
      await expect(loadMasterKey({ ...external, secretKey })).rejects.toThrow(/DEVFLOW_SECRET_KEY/);
    }
  });
});

describe("task-signing key", () => {
  it("is made once, read by its owner alone, and signs what its public half verifies", async () => {
    const [key, again] = await Promise.all([loadTaskSigningKey({ dataDir }), loadTaskSigningKey({ dataDir })]);
    expect(again.publicSpki).toEqual(key.publicSpki);
    expect(key.publicSpki).toHaveLength(44);
    const publicKey = createPublicKey({ key: key.publicSpki, format: "der", type: "spki" });
    expect(verify(null, secret, publicKey, key.sign(secret))).toBe(true);
    expect(verify(null, Buffer.from("other"), publicKey, key.sign(secret))).toBe(false);
    const path = join(dataDir, "keys/task-signing.pem");
    expect(await taskSigningPublicKey({ dataDir, roles: new Set(["signer"]) })).toEqual(key.publicSpki);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    writeFileSync(path, readFileSync(path, "utf8").replace("MC4CAQ", "MC4CAX"));
    await expect(loadTaskSigningKey({ dataDir })).rejects.toThrow(/not an Ed25519 private key/);
  });

  it("gives its public half to a process that has no signer and no private key", async () => {
    const own = mkdtempSync(join(tmpdir(), "devflow-gateway-"));
    const gateway = { dataDir: own, roles: new Set(["gateway"] as const) };
    await expect(taskSigningPublicKey(gateway)).rejects.toThrow(/task-signing.pub.pem cannot be read \(ENOENT\).*role signer/);
    const { publicSpki } = await loadTaskSigningKey({ dataDir: own });
    rmSync(join(own, "keys/task-signing.pem"));
    expect(await taskSigningPublicKey(gateway)).toEqual(publicSpki);
    expect(readdirSync(join(own, "keys"))).toEqual(["task-signing.pub.pem"]);
    rmSync(own, { recursive: true });
  });
});
