// Writes a migration for what changed in the schema.ts files: npm run db:generate -- NAME
import { spawnSync } from "node:child_process";

const name = process.argv[2] ?? "change";
const result = spawnSync("drizzle-kit", ["generate", "--config", "drizzle.config.ts", "--name", name, "--prefix", "timestamp"], {
  cwd: new URL("../controller", import.meta.url),
  stdio: "inherit",
});
process.exit(result.status ?? 1);
