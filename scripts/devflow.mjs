// The command devflow from a checkout. Builds what is stale first.
//   node scripts/devflow.mjs servers list           the command line over the API
//   node scripts/devflow.mjs admin after-restore    the controller's commands for its administrator
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

if (process.argv[2] === "admin") await import("./start.mjs");
else {
  const { root, staleParts } = await import("./build-state.mjs");
  if (staleParts().includes("cli")) {
    // What the builder prints must not stand in the command's own output.
    const built = spawnSync(process.execPath, ["scripts/build.ts", "cli"], { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
    if (built.status !== 0) process.exit(1);
  }
  const main = new URL("../dist/cli/devflow.mjs", import.meta.url);
  process.argv[1] = fileURLToPath(main);
  await import(main.href);
}
