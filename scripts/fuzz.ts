// npm run fuzz [-- --requests 20000 --seed N]: hostile requests over every route as everybody; the seed is printed.
import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";
import { root } from "./build-state.mjs";

const { values } = parseArgs({ options: { requests: { type: "string", default: "20000" }, seed: { type: "string" } } });
const seed = values.seed ?? String(Date.now() % 1_000_000_000);
if (!/^\d+$/.test(values.requests) || !/^\d+$/.test(seed)) {
  console.error("Expected numbers: npm run fuzz -- --requests 20000 --seed 7");
  process.exit(2);
}
console.log(`${values.requests} requests, seed ${seed}`);
const { status } = spawnSync(
  process.execPath,
  ["node_modules/vitest/vitest.mjs", "run", "--project", "int", "tests/fuzz/api.int.test.ts"],
  {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, DEVFLOW_TEST_FUZZ_REQUESTS: values.requests, DEVFLOW_TEST_FUZZ_SEED: seed },
  },
);
process.exitCode = status ?? 1;
