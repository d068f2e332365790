import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { randomUUID } from "node:crypto";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { endAll, type ProcessOptions, startProcess, type StartedProcess } from "./run-process.ts";

const folder = mkdtempSync(join(tmpdir(), "devflow-run-"));
const started: StartedProcess[] = [];
afterEach(async () => {
  for (const run of started.splice(0)) await run.clear();
});
afterAll(() => rmSync(folder, { recursive: true }));

let runId = "";
const start = async (argv: ProcessOptions["argv"], options: Partial<ProcessOptions> = {}) => {
  runId = randomUUID();
  const run = await startProcess({ runId, argv, cwd: folder, ...options });
  started.push(run);
  const said = { out: "", err: "" };
  run.stdout.setEncoding("utf8").on("data", (text: string) => (said.out += text));
  run.stderr.setEncoding("utf8").on("data", (text: string) => (said.err += text));
  return { ...run, said };
};
const alive = (pid: number) => {
  try {
    return !readFileSync(`/proc/${pid}/stat`, "latin1").includes(") Z ");
  } catch {
    return false;
  }
};
/** A program that writes its process id, and what it does then. */
const script = (then: string): ProcessOptions["argv"] => ["sh", "-c", `echo $$; ${then}`];
const pidsSaid = async (said: { out: string }, count: number) => {
  await expect.poll(() => said.out.trim().split("\n").length, { timeout: 30_000 }).toBe(count);
  return said.out.trim().split("\n").map(Number);
};

describe("a run's process", () => {
  it("has done nothing before its word, and ends without it when its executor does", async () => {
    const file = join(folder, "begun");
    const run = await start(["touch", file]);
    expect(run.process).toMatchObject({ pid: expect.any(Number), startTicks: expect.any(Number), cgroup: null });
    expect(existsSync(file)).toBe(false);
    await run.stop(0);
    expect((await run.ended).exitCode).not.toBe(0);
    expect(existsSync(file)).toBe(false);
  });

  it("gets its arguments as they are, and nothing of the executor's environment", async () => {
    process.env["SECRET_OF_THE_EXECUTOR"] = "x";
    const argv = ["printf", "%s|", "$(id)", "; id", "`id`", "a b", "--", "", "\n'\""] as const;
    const run = await start(argv);
    run.go();
    expect(await run.ended).toEqual({ exitCode: 0, signal: null });
    expect(run.said.out).toBe("$(id)|; id|`id`|a b|--||\n'\"|");
    const env = await start(["env"], { env: { GREETING: "hello" } });
    env.go();
    await env.ended;
    const names = env.said.out.split("\n").map((line) => line.split("=")[0]);
    expect(names.filter((name) => !["PWD", "_", ""].includes(name ?? "")).toSorted((a = "", b = "") => a.localeCompare(b))).toEqual([
      "DEVFLOW_RUN_ID",
      "GREETING",
      "LC_ALL",
      "PATH",
    ]);
    delete process.env["SECRET_OF_THE_EXECUTOR"];
  });

  it("says what its program does not find, or how it ended", async () => {
    const missing = await start(["/no/such/program"]);
    missing.go();
    expect((await missing.ended).exitCode).toBe(127);
    expect(missing.said.err).toContain("/no/such/program");
    const killed = await start(["sh", "-c", "kill -SEGV $$"]);
    killed.go();
    expect(await killed.ended).toEqual({ exitCode: null, signal: "SIGSEGV" });
    await expect(start(["true"], { cwd: "/no/such/folder" })).rejects.toThrow(/could not be started in \/no\/such\/folder/);
  });

  it("ends on SIGTERM when it obeys", async () => {
    const run = await start(script("trap 'exit 7' TERM; while :; do sleep 0.05; done"));
    run.go();
    await pidsSaid(run.said, 1);
    await run.stop(30_000);
    expect(await run.ended).toEqual({ exitCode: 7, signal: null });
  });

  it("ends with all that it started, also what ignores SIGTERM, left its session, or lost its parent", async () => {
    const deaf = "trap '' TERM; echo $$; while :; do sleep 0.05; done";
    const run = await start(
      script(
        `setsid sh -c "${deaf.replace("$$", "\\$\\$")}" & (sh -c "${deaf.replace("$$", "\\$\\$")}" &); ${deaf.replace("echo $$; ", "")}`,
      ),
    );
    run.go();
    const pids = await pidsSaid(run.said, 3);
    expect(pids.map(alive)).toEqual([true, true, true]);
    await run.stop(200);
    await run.ended;
    expect(pids.map(alive)).toEqual([false, false, false]);
  });

  it("is ended by what the journal knows, and nobody else of that number is", async () => {
    const run = await start(script("setsid sleep 100 & echo $!; sleep 100"));
    run.go();
    const pids = await pidsSaid(run.said, 2);
    const bystander = spawn("sleep", ["100"], { detached: true });
    await once(bystander, "spawn");
    await endAll({ ...run.process, pid: bystander.pid as number, startTicks: run.process.startTicks + 1e9 }, randomUUID());
    await endAll({ ...run.process, bootId: "another" }, runId);
    expect([...pids, bystander.pid as number].map(alive)).toEqual([true, true, true]);
    await endAll(run.process, runId);
    expect(pids.map(alive)).toEqual([false, false]);
    expect(alive(bystander.pid as number)).toBe(true);
    bystander.kill("SIGKILL");
  });
});
