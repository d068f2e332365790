import type { Inventory } from "@devflow/proto/inventory/v1/inventory";
import type { InventorySource } from "../../feature.ts";
import { monotonicMs } from "../../host/clock.ts";
import { listFolder } from "../../host/files.ts";
import { buildInventory } from "./build.ts";
import { sameInventory, signatureOf } from "./changes.ts";
import type { Details } from "./details.ts";
import { readDetails } from "./read-details.ts";

export { machineFingerprint } from "./fingerprint.ts";

const CHECK_MS = 30_000;
const REBUILD_MS = 3_600_000;
/** 0.9 CPU seconds an hour. */
const MOST_BUSY = 1 / 4000;
const DETAILS_EVERY_MS = 86_400_000;
/** Least distance when devices come and go. */
const DETAILS_LEAST_MS = 3_600_000;

export interface InventoryOptions {
  /** Gets the inventory once soon after the start, then whenever a part of it changed. */
  readonly onChange: (inventory: Inventory) => void;
  /** A look failed; there will be others. Default: nobody is told. */
  readonly onError?: (error: unknown) => void;
  /** Folder in which /proc, /sys and /etc are looked for. Default: the machine's root. */
  readonly root?: string;
  /** How often cheap signs of a change are looked at, milliseconds. Default 30,000. */
  readonly checkMs?: number;
  /** A number that changes with the set of listening TCP sockets. Default: none, they are seen by the hourly rebuild. */
  readonly listeners?: () => number;
  /** Part of the time that building anew may take on a machine whose ports change all the time. Default 1 / 4000. */
  readonly mostBusy?: number;
  /** Reads what no single file tells. Default: a process that exits. */
  readonly read?: typeof readDetails;
}

/** Reads details when they are due, one at a time, and remembers the last that came. */
class DetailsKeeper {
  readonly #root: string;
  readonly #read: typeof readDetails;
  #readAtMs = Number.NEGATIVE_INFINITY;
  #devices = "";
  #running: ReturnType<typeof readDetails> | null = null;
  last: Details | null = null;

  constructor(root: string, read: typeof readDetails) {
    this.#root = root;
    this.#read = read;
  }

  /** Starts a reading when one is due. */
  refresh(nowMs: number): void {
    const devices = ["block", "bus/pci/devices"].map((folder) => listFolder(`${this.#root}/sys/${folder}`).join(" ")).join("\n");
    const pauseMs = devices === this.#devices ? DETAILS_EVERY_MS : DETAILS_LEAST_MS;
    if (this.#running !== null || nowMs - this.#readAtMs < pauseMs) return;
    this.#readAtMs = nowMs;
    this.#devices = devices;
    const running = this.#read();
    this.#running = running;
    void running.details.then((details) => {
      if (this.#running !== running) return;
      this.#running = null;
      if (details !== null) this.last = details;
    });
  }

  stop(): void {
    this.#running?.stop();
    this.#running = null;
  }
}

/** Tells what the machine is: looks for cheap signs of a change twice a minute, and builds anew on one, or each hour. */
export function createInventory({
  onChange,
  onError = () => undefined,
  root = "",
  checkMs = CHECK_MS,
  listeners = () => 0,
  read = readDetails,
  mostBusy = MOST_BUSY,
}: InventoryOptions): {
  start(): void;
  stop(): void;
} {
  const details = new DetailsKeeper(root, read);
  let timer: NodeJS.Timeout | undefined;
  let last: Inventory | undefined;
  let signature = "";
  let ports = Number.NaN;
  let builtMs = 0;
  let costMs = 0;
  let running = 0;
  let haveDetails: Details | null = null;

  const isDue = (nowMs: number, current: string, currentPorts: number): boolean =>
    last === undefined ||
    current !== signature ||
    haveDetails !== details.last ||
    nowMs - builtMs >= REBUILD_MS ||
    (!Object.is(currentPorts, ports) && nowMs - builtMs >= costMs / mostBusy);

  const check = async (run: number): Promise<void> => {
    const nowMs = monotonicMs();
    const current = signatureOf(root);
    const currentPorts = listeners();
    const known = details.last;
    if (!isDue(nowMs, current, currentPorts)) return;
    const inventory = await buildInventory(root, known);
    if (run !== running) return;
    signature = current;
    ports = currentPorts;
    haveDetails = known;
    builtMs = nowMs;
    costMs = monotonicMs() - nowMs;
    if (last && sameInventory(last, inventory)) return;
    last = inventory;
    onChange(inventory);
  };
  const loop = async (run: number): Promise<void> => {
    try {
      await check(run);
      if (run === running) details.refresh(monotonicMs());
    } catch (error) {
      onError(error);
    }
    if (run !== running) return;
    timer = setTimeout(() => void loop(run), checkMs);
  };

  return {
    start() {
      clearTimeout(timer);
      void loop(++running);
    },
    stop() {
      running++;
      clearTimeout(timer);
      details.stop();
    },
  };
}

/** The same as the session takes it. `listeners`: see InventoryOptions. */
export const createInventorySource = (listeners: () => number): InventorySource => ({
  watch(onChange, onError) {
    const inventory = createInventory({ onChange, onError, listeners });
    inventory.start();
    return () => inventory.stop();
  },
});
