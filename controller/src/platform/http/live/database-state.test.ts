import { expect, it } from "vitest";
import { databaseState } from "./database-state.ts";

it("calls the database away as soon as one part cannot use it, since the first of them", () => {
  const ok = (sinceMs: number) => ({ state: "ok" as const, sinceMs });
  const away = (sinceMs: number) => ({ state: "unavailable" as const, sinceMs });
  expect(databaseState({})).toEqual({ database: "ok", sinceMs: 0 });
  expect(databaseState({ database: ok(1), "metrics.database": ok(5) })).toEqual({ database: "ok", sinceMs: 5 });
  expect(databaseState({ database: ok(1), "metrics.database": away(7), mail: away(2) })).toEqual({ database: "unavailable", sinceMs: 7 });
  expect(databaseState({ database: away(9), "metrics.database": away(7) })).toEqual({ database: "unavailable", sinceMs: 7 });
});
