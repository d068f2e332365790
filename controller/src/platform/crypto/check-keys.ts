import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { AppError } from "@devflow/errors";
import type { Logger } from "pino";
import type { Config } from "../../config.ts";
import { type DatabaseTarget, underSchemaLock } from "../db/index.ts";
import { type MasterKey, nextMasterKeyPath } from "./master-key.ts";
import { loadTaskSigningKey, privateKeyPath, publicKeyPath, taskSigningPublicKey } from "./task-signing-key.ts";

export interface CheckKeys {
  readonly target: DatabaseTarget;
  readonly log: Logger;
  readonly config: Pick<Config, "dataDir" | "databaseUrl" | "secretKey" | "roles">;
  readonly masterKey: MasterKey;
}

/**
 * Controllers on one database need the same keys: two that sign with different ones, or cannot open each other's
 * secrets, would each break half of what the other does. The first one notes what its keys are; the task-signing key
 * is made here, at the first start of all.
 * Throws AppError precondition_failed that says which file to copy where.
 */
export async function checkKeys({ target, log, config, masterKey }: CheckKeys): Promise<void> {
  // Under the lock: of two that start at once on an empty database, one makes the key and the other hears of it.
  await underSchemaLock({ target, log }, async (sql) => {
    const [row] = await sql<{ masterKeyCheck: string | null; signing: string | null }[]>`
      select master_key_check as "masterKeyCheck", task_signing_key_sha256 as signing from installation`;
    if (row === undefined) throw new AppError("internal", "The table installation is empty: ensureInstallation() comes first");
    const check = masterKeyCheck(masterKey);
    if (row.masterKeyCheck !== null && row.masterKeyCheck !== check) throw anotherMasterKey(config);
    const signing = await ownSigningKey(config, row.signing);
    await sql`
      update installation set master_key_check = ${check}, task_signing_key_sha256 = coalesce(task_signing_key_sha256, ${signing})
      where master_key_check is null or (task_signing_key_sha256 is null and ${signing}::text is not null)`;
  });
}

/** What installation.master_key_check holds for a key; whoever replaces the master key writes the new one's with it. */
export const masterKeyCheck = (key: MasterKey): string => key.derive("devflow.master-key-check").toString("hex");

/** SHA-256 of the public half of this process's key; null when its roles need none, or when none is there and none is expected. */
async function ownSigningKey(config: CheckKeys["config"], expected: string | null): Promise<string | null> {
  const signs = config.roles.has("signer");
  if (!signs && !config.roles.has("gateway")) return null;
  const path = signs ? privateKeyPath(config) : publicKeyPath(config);
  // One that is made now would be the wrong one.
  if (signs && expected !== null && !(await isThere(path))) throw anotherSigningKey(path, signs, expected, null);
  const spki = signs ? (await loadTaskSigningKey(config)).publicSpki : await taskSigningPublicKey(config);
  const own = createHash("sha256").update(spki).digest("hex");
  if (expected !== null && own !== expected) throw anotherSigningKey(path, signs, expected, own);
  return own;
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return false;
      throw error;
    },
  );

const endOfChange = "A change of the master key was interrupted: run devflow admin change-master-key once more, which ends it";

function anotherMasterKey(config: CheckKeys["config"]): AppError {
  if (config.secretKey === null && existsSync(nextMasterKeyPath(config))) return new AppError("precondition_failed", `${endOfChange}.`);
  const source = config.secretKey !== null ? "DEVFLOW_SECRET_KEY" : `${config.dataDir}/keys/master.key`;
  return new AppError(
    "precondition_failed",
    `${source} is not the master key that this database was made with, so its secrets cannot be opened. Start with that key: all controllers on one database have the same.`,
  );
}

function anotherSigningKey(path: string, signs: boolean, expected: string, own: string | null): AppError {
  const file = signs ? "keys/task-signing.pem" : "keys/task-signing.pub.pem";
  const found = own === null ? `${path} is not there` : `${path} is another one (SHA-256 ${own.slice(0, 16)}…)`;
  const copy = `Copy ${file} from the data folder of a controller that runs with the role signer to ${path}${signs ? " (mode 600)" : ""}`;
  const rest = signs ? ", or leave the role signer out of DEVFLOW_ROLES. If that key is lost for good: devflow admin forget-task-key" : "";
  return new AppError(
    "precondition_failed",
    `This installation signs tasks with the key of SHA-256 ${expected.slice(0, 16)}…, and ${found}. ${copy}${rest}.`,
  );
}
