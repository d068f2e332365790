import { columnIndex, type RowShape, rowShapes } from "./row-shape.ts";

/** A row of server_latest, natural units. */
export interface Latest {
  serverNo: number;
  timeS: number;
  cpuPercent: number | null;
  load1: number | null;
  memoryUsedBytes: number | null;
  memoryTotalBytes: number | null;
  diskUsedPercent: number | null;
  diskMount: string | null;
  receiveBytesPerSecond: number | null;
  transmitBytesPerSecond: number | null;
}

/** Interfaces whose traffic is counted at another one already, or never leaves the machine. */
const countedElsewhere = /^(lo$|veth|br-|docker|virbr|cni|flannel|cali|tap|tun|wg|bond\d+\.|dummy|ifb)/;

const at = (family: string, column: string): { shape: RowShape; index: number; step: number } => {
  const shape = rowShapes.find((s) => s.family.name === family);
  const measure = shape?.family.measures.find((m) => m.name === column);
  if (shape === undefined || measure === undefined) throw new Error(`the catalogue has no ${family}.${column}`);
  return { shape, index: columnIndex(shape, column), step: measure.step };
};

const cpu = at("host", "cpu_busy");
const load1 = at("host", "load_1");
const memoryUsed = at("host", "memory_used");
const memoryTotal = at("host", "memory_total");
const used = at("filesystem", "used");
const available = at("filesystem", "available");
const receive = at("network", "receive");
const transmit = at("network", "transmit");

const natural = (values: Float64Array, where: { index: number; step: number }): number | null => {
  const stored = values[where.index] as number;
  // Steps like 0.01 leave noise in the last digits; nothing here is finer than a thousandth.
  return Number.isNaN(stored) ? null : Math.round(stored * where.step * 1000) / 1000;
};

const sum = (a: number | null, b: number | null): number | null => (b === null ? a : Math.round((a ?? 0) + b));

export const newLatest = (serverNo: number, timeS: number): Latest => ({
  serverNo,
  timeS,
  cpuPercent: null,
  load1: null,
  memoryUsedBytes: null,
  memoryTotalBytes: null,
  diskUsedPercent: null,
  diskMount: null,
  receiveBytesPerSecond: null,
  transmitBytesPerSecond: null,
});

/** Takes what a list shows of a server out of one encoded row. */
export function addToLatest(latest: Latest, shape: RowShape, instance: string, values: Float64Array): void {
  if (shape === cpu.shape) {
    latest.cpuPercent = natural(values, cpu);
    latest.load1 = natural(values, load1);
    latest.memoryUsedBytes = natural(values, memoryUsed);
    latest.memoryTotalBytes = natural(values, memoryTotal);
  } else if (shape === used.shape) {
    const usedBytes = natural(values, used);
    const freeBytes = natural(values, available);
    if (usedBytes === null || freeBytes === null || usedBytes + freeBytes === 0) return;
    // As df: of what ordinary users can have.
    const percent = Math.round((usedBytes / (usedBytes + freeBytes)) * 10_000) / 100;
    if (latest.diskUsedPercent !== null && latest.diskUsedPercent >= percent) return;
    latest.diskUsedPercent = percent;
    latest.diskMount = instance;
  } else if (shape === receive.shape && !countedElsewhere.test(instance)) {
    latest.receiveBytesPerSecond = sum(latest.receiveBytesPerSecond, natural(values, receive));
    latest.transmitBytesPerSecond = sum(latest.transmitBytesPerSecond, natural(values, transmit));
  }
}
