import { readFileSync } from "node:fs";
import { type Player, players } from "./route-cast.ts";

/** One line of routes.table.txt. */
export interface RouteLine {
  /** "get /api/v1/servers", "live server" */
  readonly route: string;
  readonly permission: string;
  readonly expected: Readonly<Record<Player, string>>;
}

const file = new URL("../platform/auth/routes.table.txt", import.meta.url).pathname;

/** Who gets what from each route and live topic, as it is written down. */
export function readRouteTable(): RouteLine[] {
  const rows = readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line.trim() !== "" && !line.startsWith("#"))
    .map((line) => line.trim().split(/\s+/));
  const [head, ...lines] = rows;
  const columns = ["method", "path", "permission", ...players];
  if (head?.join() !== columns.join()) throw new Error(`${file}: expected the columns ${columns.join(" ")}`);
  return lines.map(([method, path, permission, ...cells]) => {
    if (cells.length !== players.length)
      throw new Error(`${file}: ${method} ${path}: expected ${players.length} cells, found ${cells.length}`);
    const expected = Object.fromEntries(players.map((player, i) => [player, cells[i]])) as RouteLine["expected"];
    return { route: `${method} ${path}`, permission: permission!, expected };
  });
}
