import { readdirSync } from "node:fs";

/** Number of processes that /proc under `root` lists; null when it cannot be read. */
export function countProcesses(root: string): number | null {
  try {
    let count = 0;
    for (const name of readdirSync(`${root}/proc`)) {
      const first = name.charCodeAt(0);
      if (first >= 49 && first <= 57) count++;
    }
    return count;
  } catch {
    return null; // no /proc: not measured
  }
}
