import { createHash } from "node:crypto";
import { toBinary } from "@bufbuild/protobuf";
import { type Inventory, InventorySchema } from "@devflow/proto/inventory/v1/inventory";
import { hostname } from "node:os";
import { listFolder, readText } from "../../host/files.ts";
import { interfaceAddresses } from "../../host/interfaces.ts";
import { parseMounts } from "../../host/mounts.ts";
import { udpListenersOf } from "./ports.ts";
import { rebootRequired, timeZoneOf } from "./system.ts";
import { updatesOf } from "./updates.ts";

/** A clock that is set moves the boot time; that is no other boot. */
const BOOT_TIME_GRAIN_S = 300n;

/** Whether two inventories tell the same, but for a boot time that moved a little with the clock. */
export function sameInventory(a: Inventory, b: Inventory): boolean {
  const moved = a.bootTimeS - b.bootTimeS;
  if (moved > BOOT_TIME_GRAIN_S || moved < -BOOT_TIME_GRAIN_S) return false;
  const bytes = (i: Inventory): Uint8Array => toBinary(InventorySchema, { ...i, bootTimeS: 0n });
  return Buffer.compare(bytes(a), bytes(b)) === 0;
}

/**
 * A digest of what can change while a machine runs and is cheap to read: some 20 small files. TCP sockets are told by the
 * metrics' walk; sizes and hardware behind it are looked at by the hourly rebuild only.
 */
export function signatureOf(root: string): string {
  const parts = [
    hostname(),
    readText(`${root}/etc/os-release`),
    readText(`${root}/etc/machine-id`),
    timeZoneOf(root),
    String(rebootRequired(root, readText(`${root}/proc/sys/kernel/osrelease`))),
    /^MemTotal:.*$/m.exec(readText(`${root}/proc/meminfo`))?.[0] ?? "",
    readText(`${root}/proc/swaps`).replace(/\t.*$/gm, ""),
    JSON.stringify(updatesOf(root)),
    readText(`${root}/sys/devices/system/cpu/online`),
    listFolder(`${root}/sys/block`).join(" "),
    JSON.stringify(parseMounts(readText(`${root}/proc/self/mountinfo`))),
    JSON.stringify([...interfaceAddresses()]),
    udpListenersOf(root),
  ];
  return createHash("sha256").update(parts.join("\0")).digest("base64");
}
