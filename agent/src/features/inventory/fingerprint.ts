import { createHash } from "node:crypto";
import { readText } from "../../host/files.ts";

const SALT = "devflow-machine-fingerprint-v1\0";

/** Fingerprint of a machine-id: SHA-256 with a fixed salt, hexadecimal; "" when the machine has none. */
export const fingerprintOf = (machineId: string): string =>
  /^[0-9a-f]{32}$/.test(machineId)
    ? createHash("sha256")
        .update(SALT + machineId)
        .digest("hex")
    : "";

/**
 * Tells one machine from another without telling which it is. "" when the machine has no id (most containers).
 * `root`: default the machine's own.
 */
export const machineFingerprint = (root = ""): string =>
  fingerprintOf(readText(`${root}/etc/machine-id`) || readText(`${root}/var/lib/dbus/machine-id`));
