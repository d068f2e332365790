import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * The folder of drizzle's migrations: `controller/migrations` when the sources run; the build puts a copy named
 * `migrations` beside the bundle.
 */
export function migrationsFolder(): string {
  const candidates = ["./migrations", "../migrations", "../../../migrations"].map((path) => fileURLToPath(new URL(path, import.meta.url)));
  const found = candidates.find((path) => existsSync(`${path}/meta/_journal.json`));
  if (found === undefined) throw new Error(`The migrations are missing; looked in ${candidates.join(", ")}. Build again.`);
  return found;
}
