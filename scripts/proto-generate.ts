// Writes proto/gen from the .proto files: npm run proto:generate
import { spawnSync } from "node:child_process";

const result = spawnSync("buf", ["generate"], { cwd: new URL("../proto", import.meta.url), stdio: "inherit" });
process.exit(result.status ?? 1);
