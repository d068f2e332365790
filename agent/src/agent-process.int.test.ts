import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PushRequest } from "@devflow/proto/metrics/v1/metrics";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { createTestCa } from "../../controller/src/platform/rpc/pki.testkit.ts";
import { buildAgent } from "../../scripts/build-agent.ts";
import { runtimeFlags } from "./runtime-flags.ts";
import { commitAll, startTestGateway } from "./session/test-gateway.ts";
import { writeAgentFile } from "./state/agent-file.ts";
import { writeFirstCredentials } from "./state/credentials.ts";

const agentId = "0d5bd2c2-1c33-4d39-8a3c-5d1f2c1f0a01";
let bundleDir: string;
let bundle: string;
let stateDir: string;
let remote: Awaited<ReturnType<typeof startTestGateway>>;
let answer: (request: PushRequest) => ReturnType<typeof commitAll> | null;
const children: ChildProcess[] = [];

// As it is shipped: bundled, with the flags of the service.
beforeAll(async () => {
  bundleDir = mkdtempSync(join(tmpdir(), "devflow-bundle-"));
  ({ bundlePath: bundle } = await buildAgent(bundleDir));
});
afterAll(() => rmSync(bundleDir, { recursive: true }));
beforeEach(async () => {
  const ca = await createTestCa();
  stateDir = mkdtempSync(join(tmpdir(), "devflow-agent "));
  answer = commitAll;
  remote = await startTestGateway({
    caPem: ca.caPem,
    pair: await ca.issue("gateway.test", "server"),
    onPush: (request) => answer(request),
  });
  const pair = await ca.issue(agentId, "client");
  await writeAgentFile(stateDir, {
    controllerHost: "127.0.0.1",
    gatewayPort: remote.port,
    enrolPort: 9,
    gatewayName: "gateway.test",
    agentId,
  });
  await writeFirstCredentials(stateDir, { keyPem: pair.keyPem, certificatePem: pair.certPem, caPem: ca.caPem, taskSigningPem: "" });
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  remote.kill();
  rmSync(stateDir, { recursive: true });
});

function start(...args: string[]) {
  const child = spawn(process.execPath, [...runtimeFlags, bundle, ...args], {
    env: { PATH: process.env.PATH, DEVFLOW_AGENT_STATE_DIR: stateDir },
  });
  children.push(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  const ended = once(child, "close").then(([code]) => ({ code: code as number | null, output }));
  return { child, ended, output: () => output };
}
const ask = (...args: string[]) => start(...args).ended;
const until = (check: () => unknown, timeout = 30_000) => vi.waitFor(() => expect(check()).toBeTruthy(), { timeout, interval: 50 });

test(
  "killed with -9 while nothing was answered: what it had recorded arrives after the restart, each time once",
  { timeout: 90_000 },
  async () => {
    answer = () => null;
    const first = start("run");
    await until(() => remote.batches.length >= 2);
    const before = remote.batches.map((batch) => ({ sequence: batch.sequence, timeS: batch.timeS }));
    first.child.kill("SIGKILL");
    await first.ended;

    const committed = new Map<bigint, bigint>();
    answer = (request) => {
      for (const batch of request.batches) committed.set(batch.sequence, batch.timeS);
      return commitAll(request);
    };
    const second = start("run");
    await until(() => committed.size >= before.length + 2);
    for (const { sequence, timeS } of before) expect(committed.get(sequence)).toBe(timeS);
    const times = [...committed.values()];
    expect(new Set(times).size).toBe(times.length);
    expect(new Set(remote.hellos.map((hello) => hello.spoolId)).size).toBe(1);
    expect(remote.batches.at(-1)?.families.map((rows) => rows.family)).toContain(1);

    const status = await ask("status");
    expect(status).toMatchObject({ code: 0, output: expect.stringMatching(/^Connected to 127\.0\.0\.1:\d+ for /) });
    expect(status.output).toContain("Spool: nothing waits.");
    expect(await ask("run")).toMatchObject({ code: 1, output: expect.stringMatching(/An agent already runs on .* stop it first/) });

    second.child.kill("SIGTERM");
    expect((await second.ended).code).toBe(0);
    expect(remote.messages.at(-1)).toMatchObject({ case: "goodbye" });
    expect(await ask("status")).toMatchObject({ code: 2, output: expect.stringContaining("No agent runs on") });
  },
);

test("doctor names each thing that is wrong", { timeout: 60_000 }, async () => {
  const running = start("run");
  await until(() => remote.hellos.length === 1);
  await until(() => running.output().includes('"connected"'));
  const healthy = await ask("doctor");
  expect(healthy.output).toContain("ok   the gateway shows the right certificate and takes ours");
  expect(healthy.output).toContain("All is well.");
  expect(healthy.code).toBe(0);
  // The doctor says no Hello: the running agent keeps its session.
  expect(remote.hellos).toHaveLength(1);

  remote.kill();
  const down = await ask("doctor");
  expect(down.code).toBe(1);
  expect(down.output).toMatch(/BAD {2}Nothing listens at the gateway's address/);
  running.child.kill("SIGTERM");
  await running.ended;
  expect((await ask("doctor")).output).toMatch(/BAD {2}no agent runs/);

  rmSync(join(stateDir, "agent.json"));
  expect(await ask("doctor")).toMatchObject({ code: 1, output: expect.stringContaining("not enrolled") });
  expect(await ask("run")).toMatchObject({ code: 1, output: expect.stringContaining("This machine is not enrolled") });
});
