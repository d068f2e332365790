// Runs after npm ci and npm install. Git hooks are a convenience, so nothing here may fail an installation:
// no git checkout (a tarball, an image), CI, dependencies left out, an npm that blocks scripts: all are fine.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const lefthook = `${root}/node_modules/lefthook/bin/index.js`;
const inCi = process.env.CI !== undefined && !["", "0", "false"].includes(process.env.CI);

if (!inCi && existsSync(`${root}/.git`) && existsSync(lefthook)) {
  const result = spawnSync(process.execPath, [lefthook, "install"], { cwd: root, encoding: "utf8" });
  if (result.status !== 0)
    console.warn(`Git hooks were not installed (npx lefthook install): ${result.error?.message ?? result.stderr.trim()}`);
}
