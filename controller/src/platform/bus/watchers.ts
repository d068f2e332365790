import type { Bus } from "./process-bus.ts";

/** Which servers somebody watches at 1 s, over all processes. */
export interface Watchers {
  watched(serverId: string): boolean;
}

/** @param onChange called when the first comes and when the last goes */
export function createWatchers(bus: Bus, onChange?: (serverId: string, watched: boolean) => void): Watchers {
  const origins = new Map<string, Set<string | null>>();
  bus.on("live.watchers", ({ serverId, watchers }, origin) => {
    const known = origins.get(serverId);
    if (watchers > 0) {
      if (known !== undefined) return void known.add(origin);
      origins.set(serverId, new Set([origin]));
    } else {
      if (known === undefined || !known.delete(origin) || known.size > 0) return;
      origins.delete(serverId);
    }
    onChange?.(serverId, watchers > 0);
  });
  return { watched: (serverId) => origins.has(serverId) };
}
