import { healthOfParts } from "../../observability/index.ts";

export interface DatabaseState {
  readonly database: "ok" | "unavailable";
  /** Milliseconds since 1970-01-01 UTC. */
  readonly sinceMs: number;
}

/** All parts that speak of the database as one: away as soon as one of them cannot use it, since the first of them. */
export function databaseState(parts = healthOfParts()): DatabaseState {
  const told = Object.entries(parts)
    .filter(([name]) => name === "database" || name.endsWith(".database"))
    .map(([, health]) => health);
  const away = told.filter(({ state }) => state === "unavailable").map(({ sinceMs }) => sinceMs);
  if (away.length > 0) return { database: "unavailable", sinceMs: Math.min(...away) };
  return { database: "ok", sinceMs: Math.max(0, ...told.map(({ sinceMs }) => sinceMs)) };
}
