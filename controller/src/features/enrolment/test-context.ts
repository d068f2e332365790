import { createCipheriv, createDecipheriv, hkdfSync, randomBytes, randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AppError } from "@devflow/errors";
import { drizzle } from "drizzle-orm/postgres-js";
import { migrate } from "drizzle-orm/postgres-js/migrator";
import pino from "pino";
import postgres from "postgres";
import { readConfig } from "../../config.ts";
import { organizations, users } from "../../platform/auth/schema.ts";
import type { Principal } from "../../platform/auth/principal.ts";
import { createBus } from "../../platform/bus/index.ts";
import type { Context } from "../../platform/context.ts";
import type { MasterKey } from "../../platform/crypto/index.ts";
import { installation } from "../../platform/db/schema.ts";

/** A context on a database of its own, with a clock that tests move. Needs DEVFLOW_TEST_DATABASE_URL. */
export interface TestContext {
  readonly ctx: Context;
  readonly principal: Principal;
  /** Milliseconds since 1970; starts at the real time. */
  readonly clock: { nowMs: number };
  /** The same installation as another process would see it: nothing cached, and an epoch that was read again. */
  again(changes?: Partial<Context>): Promise<Context>;
  close(): Promise<void>;
}

export async function testContext(settings: Record<string, string> = {}): Promise<TestContext> {
  const server = process.env.DEVFLOW_TEST_DATABASE_URL ?? "";
  const admin = postgres(server, { max: 1, onnotice: () => undefined });
  const name = `t_${randomBytes(6).toString("hex")}`;
  await admin.unsafe(`create database ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  const sql = postgres(url.href, { max: 4, onnotice: () => undefined });
  const db = drizzle(sql, { casing: "snake_case" });
  await migrate(db, { migrationsFolder: new URL("../../../migrations", import.meta.url).pathname });
  const id = randomUUID();
  const [organization] = await db.insert(organizations).values({ name: "Default" }).returning();
  await db.insert(users).values({ id: "u1", name: "Anna", email: "anna@example.com" });
  await db.insert(installation).values({ singleton: 1, id, epoch: 1, storageEngine: "plain" });
  const dataDir = mkdtempSync(join(tmpdir(), "devflow-enrolment-"));
  const clock = { nowMs: Date.now() };
  const organizationId = organization?.id as string;
  const ctx: Context = {
    config: readConfig({ DEVFLOW_DATA_DIR: dataDir, DEVFLOW_PORT: "0", DEVFLOW_GATEWAY_PORT: "0", DEVFLOW_ENROL_PORT: "0", ...settings }),
    log: pino({ level: process.env.DEVFLOW_TEST_LOG ?? "silent" }),
    sql,
    db,
    bus: createBus((error) => {
      throw error;
    }),
    masterKey: testMasterKey(randomBytes(32)),
    installation: { id, epoch: 1, storageEngine: "plain", defaultOrganizationId: organizationId },
    clock: { now: () => clock.nowMs },
  };
  return {
    ctx,
    principal: {
      kind: "user",
      id: "u1",
      name: "anna@example.com",
      organizationId,
      permission: "admin",
      address: "192.0.2.1",
      requestId: randomUUID(),
    },
    clock,
    again: async (changes = {}) => {
      const [row] = await db.select().from(installation);
      return { ...ctx, installation: { ...ctx.installation, epoch: row?.epoch ?? 0 }, ...changes };
    },
    close: async () => {
      await sql.end();
      await admin.unsafe(`drop database ${name} with (force)`);
      await admin.end();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

export function testMasterKey(key: Buffer): MasterKey {
  return {
    wrap(name, plaintext) {
      const nonce = randomBytes(12);
      const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(name));
      return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
    },
    unwrap(name, wrapped) {
      const bytes = Buffer.from(wrapped);
      const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, 12))
        .setAAD(Buffer.from(name))
        .setAuthTag(bytes.subarray(-16));
      try {
        return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]);
      } catch (cause) {
        throw new AppError("internal", "wrong master key", { cause });
      }
    },
    derive: (purpose) => Buffer.from(hkdfSync("sha256", key, "", purpose, 32)),
  };
}
