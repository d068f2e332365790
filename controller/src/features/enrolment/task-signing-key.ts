import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "@devflow/errors";
import type { Context } from "../../platform/context.ts";

/**
 * Public half (Ed25519, SPKI DER) of the key that signs tasks; agents pin it when they enrol. The private half is a
 * file outside the database, <data dir>/task-signing.key (PKCS #8 PEM, mode 600), made at the first start: a stolen
 * copy of the database gives no execution.
 * Throws AppError internal when the file is damaged; it is never replaced silently, since agents would refuse its successor.
 */
export function taskSigningPublicKey(ctx: Context): Buffer {
  const path = join(ctx.config.dataDir, "task-signing.key");
  const pem = read(path) ?? make(ctx, path);
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType !== "ed25519") throw new Error(`expected an Ed25519 key, found ${key.asymmetricKeyType}`);
    return createPublicKey(key).export({ format: "der", type: "spki" });
  } catch (cause) {
    throw new AppError("internal", `${path} is not an Ed25519 private key in PEM. Restore it from a backup: agents trust no other.`, {
      cause,
    });
  }
}

function read(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

/** Whole or not at all, and never over a file that another process made in the meantime. */
function make(ctx: Context, path: string): string {
  mkdirSync(ctx.config.dataDir, { recursive: true });
  const pem = generateKeyPairSync("ed25519").privateKey.export({ format: "pem", type: "pkcs8" }).toString();
  const temporary = `${path}.${process.pid}`;
  const file = openSync(temporary, "wx", 0o600);
  try {
    writeSync(file, pem);
    fsyncSync(file);
    linkSync(temporary, path);
    ctx.log.info({ scope: "enrolment.task-signing", path }, "made the key that signs tasks; back it up apart from the database");
    return pem;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    return readFileSync(path, "utf8");
  } finally {
    closeSync(file);
    rmSync(temporary, { force: true });
  }
}
