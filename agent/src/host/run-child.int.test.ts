import { existsSync } from "node:fs";
import { expect, it } from "vitest";
import { runChild } from "./run-child.ts";

const run = (script: string, bounds: Partial<Parameters<typeof runChild>[1]> = {}) =>
  runChild(["-e", script], { timeoutMs: 30_000, maxBytes: 1000, ...bounds });

it("gives what a child says, in an environment without secrets", async () => {
  process.env["DEVFLOW_AGENT_TOKEN"] = "dfe_secret";
  const told = JSON.parse((await run("console.log(JSON.stringify(process.env))").output) ?? "") as Record<string, string>;
  delete process.env["DEVFLOW_AGENT_TOKEN"];
  expect(Object.keys(told).filter((name) => !name.startsWith("__"))).toEqual(["PATH", "LC_ALL"]);
});

it("gives nothing of a child that fails, says too much or ends by a signal", async () => {
  expect(await run("console.log(1); process.exit(3)").output).toBeNull();
  expect(await run("console.log('x'.repeat(1000))").output).toBeNull();
  expect(await run("process.kill(process.pid, 'SIGTERM'); setTimeout(() => {}, 1e6)").output).toBeNull();
});

it("ends a child that takes too long, with what it started", async () => {
  const script = `const c = require("child_process").spawn(process.execPath, ["-e", "setInterval(() => {}, 1e6)"], { stdio: "inherit" });
    require("fs").writeFileSync(process.argv[1], String(c.pid)); setInterval(() => {}, 1e6);`;
  const file = `/tmp/devflow-run-child-${process.pid}`;
  const { readFileSync, rmSync } = await import("node:fs");
  // Its grandchild holds the pipe: the promise ends only when that is gone too.
  const child = runChild(["-e", script, file], { timeoutMs: 30_000, maxBytes: 1000 });
  await expect.poll(() => existsSync(file) && readFileSync(file, "utf8") !== "", { timeout: 60_000 }).toBe(true);
  const pid = readFileSync(file, "utf8");
  rmSync(file);
  child.stop();
  expect(await child.output).toBeNull();
  await expect.poll(() => existsSync(`/proc/${pid}/fd/1`), { timeout: 60_000 }).toBe(false);
  expect(await run("setInterval(() => {}, 1e6)", { timeoutMs: 100 }).output).toBeNull();
});
