import type { LatestRow } from "./live.ts";

/** The newest values of a server as the list has them, from a row of the live topic; by itself, so that pages need no schemas. */
export function latestOf(row: LatestRow) {
  const [, timeMs, cpuPercent, load1, memoryUsedBytes, memoryTotalBytes, diskUsedPercent, diskMount, receive, transmit] = row;
  return {
    time: new Date(timeMs).toISOString(),
    cpuPercent,
    load1,
    memoryUsedBytes,
    memoryTotalBytes,
    diskUsedPercent,
    diskMount,
    receiveBytesPerSecond: receive,
    transmitBytesPerSecond: transmit,
  };
}
