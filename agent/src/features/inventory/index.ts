import type { Inventory } from "@devflow/proto/inventory/v1/inventory";
import type { InventorySource } from "../../feature.ts";
import { monotonicMs } from "../../host/clock.ts";
import { buildInventory } from "./build.ts";
import { sameInventory, signatureOf } from "./changes.ts";

export { machineFingerprint } from "./fingerprint.ts";

const CHECK_MS = 60_000;
const REBUILD_MS = 3_600_000;

export interface InventoryOptions {
  /** Gets the inventory once soon after the start, then whenever a part of it changed. */
  readonly onChange: (inventory: Inventory) => void;
  /** Folder in which /proc, /sys and /etc are looked for. Default: the machine's root. */
  readonly root?: string;
  /** How often cheap signs of a change are looked at, milliseconds. Default 60,000. */
  readonly checkMs?: number;
}

/** Tells what the machine is: looks for cheap signs of a change each minute, and builds anew on one, or each hour. */
export function createInventory({ onChange, root = "", checkMs = CHECK_MS }: InventoryOptions): { start(): void; stop(): void } {
  let timer: NodeJS.Timeout | undefined;
  let last: Inventory | undefined;
  let signature = "";
  let builtMs = 0;
  let running = 0;

  const check = async (run: number): Promise<void> => {
    const nowMs = monotonicMs();
    const current = signatureOf(root);
    if (last && current === signature && nowMs - builtMs < REBUILD_MS) return;
    const inventory = await buildInventory(root);
    if (run !== running) return;
    signature = current;
    builtMs = nowMs;
    if (last && sameInventory(last, inventory)) return;
    last = inventory;
    onChange(inventory);
  };
  const loop = async (run: number): Promise<void> => {
    await check(run);
    if (run === running) timer = setTimeout(() => void loop(run), checkMs);
  };

  return {
    start() {
      clearTimeout(timer);
      void loop(++running);
    },
    stop() {
      running++;
      clearTimeout(timer);
    },
  };
}

/** The same as the session takes it. */
export const createInventorySource = (root = ""): InventorySource => ({
  watch(onChange) {
    const inventory = createInventory({ onChange, root });
    inventory.start();
    return () => inventory.stop();
  },
});
