import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "node:tls";
import { apiClient, type LiveMessage } from "@devflow/testkit";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { httpProxy } from "../../tests/enrolment/man-in-the-middle.ts";
import { type AgentProcess, cloneAgentProcess, startAgentProcess } from "../agent-process.ts";
import { type ControllerProcess, type EnrolledIdentity, startController } from "../controller-process.ts";

interface ServerView {
  readonly id: string;
  readonly state: string;
  readonly stateSince: string;
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
}

/** DEVFLOW_TEST_LONG=1: waits for the warning in both directions. */
const long = process.env["DEVFLOW_TEST_LONG"] === "1";
/** Debian: apt-get install faketime. */
const faketime = (await readdir("/usr/lib")).map((name) => `/usr/lib/${name}/faketime/libfaketimeMT.so.1`).find((path) => existsSync(path));
const isRoot = process.getuid?.() === 0;

describe.concurrent("agents as processes on machines that misbehave", () => {
  let controller: ControllerProcess;
  const agents: AgentProcess[] = [];
  beforeAll(async () => {
    controller = await startController({ agents: 3, expired: 1 });
  });
  afterAll(async () => {
    for (const agent of agents) await agent.remove();
    await controller?.stop();
  });
  const identity = (index: number) => {
    const found = controller.identities[index];
    if (found === undefined) throw new Error(`no identity ${index}`);
    return found;
  };
  const started = (agent: AgentProcess) => {
    agents.push(agent);
    return agent;
  };
  const serverOf = (agentId: string) => controller.api.get<ServerView>(`/api/v1/servers/${agentId}`);
  // expect.poll is not for tests that run together.
  const until = (check: () => unknown, timeout = 30_000) => vi.waitFor(async () => check(), { timeout, interval: 250 });
  const online = (agentId: string) => until(async () => expect((await serverOf(agentId)).state).toBe("online"));
  const rowsOf = async (agentId: string) => {
    const sql = await controller.sql();
    try {
      return await sql<{ time: number; samples: number }[]>`
        select extract(epoch from m.time)::int as time, m.samples from metric_host_10s m join servers s using (server_no)
        where s.id = ${agentId} order by m.time`;
    } finally {
      await sql.end();
    }
  };

  it.skipIf(faketime === undefined)(
    "a clock that is stepped both ways while the agent runs: no hole, no double, a warning while it is far off",
    { timeout: 240_000 },
    async () => {
      const folder = await mkdtemp(join(tmpdir(), "devflow-faketime-"));
      const file = join(folder, "offset");
      const step = (offset: string) => writeFile(file, `${offset}\n`);
      await step("+0");
      const agent = started(
        await startAgentProcess(controller, identity(0), {
          env: {
            LD_PRELOAD: faketime ?? "",
            FAKETIME_TIMESTAMP_FILE: file,
            FAKETIME_NO_CACHE: "1",
            FAKETIME_DONT_FAKE_MONOTONIC: "1",
            DONT_FAKE_MONOTONIC: "1",
          },
        }),
      );
      await online(agent.agentId);
      const startedS = Date.now() / 1000;
      const clockWarning = async () => (await serverOf(agent.agentId)).warnings.find(({ code }) => code === "clock_off")?.message ?? null;
      await sleep(8_000);
      await step("+7200");
      await sleep(13_000);
      // Told with the next ping, once a minute.
      await until(async () => expect(await clockWarning()).toMatch(/clock is 2 hours ahead/), 70_000);
      expect(await agent.status()).toContain("clock");
      await step("-86000");
      // The next ping is a minute off: in a short run a row is waited for, not the warning.
      await (long
        ? until(
            async () => /clock is 24 hours behind/.test((await clockWarning()) ?? "") || Promise.reject(new Error("no warning")),
            70_000,
          )
        : sleep(13_000));
      await step("+0");
      await sleep(13_000);
      const endedS = Date.now() / 1000;
      await agent.end("SIGTERM");
      const rows = await rowsOf(agent.agentId);
      const times = rows.map((row) => row.time);
      expect(times).toEqual(times.map((_, i) => (times[0] as number) + i * 10));
      expect(times[0]).toBeLessThanOrEqual(startedS);
      expect((times.at(-1) as number) + 10).toBeGreaterThanOrEqual(endedS - 2);
      // Each row from its own ten seconds: the first and the last are cut short, a busy machine may miss one in between.
      for (const { samples } of rows.slice(1, -1)) expect(samples).toBeGreaterThanOrEqual(8);
      // Settled once, at the first greeting; no step moved it.
      expect(agent.output().match(/"clock settled by the controller"/g)).toHaveLength(1);
      await rm(folder, { recursive: true });
    },
  );

  // Another kernel's boot id, as every copy of a machine has it, wants a mount namespace.
  it.skipIf(!isRoot)(
    "a machine cloned with its agent: alarm, the newcomer is refused, the first goes on",
    { timeout: 120_000 },
    async () => {
      const first = started(await startAgentProcess(controller, identity(1)));
      await online(first.agentId);
      const before = await serverOf(first.agentId);
      const bootId = join(await mkdtemp(join(tmpdir(), "devflow-boot-")), "boot_id");
      await writeFile(bootId, "7a0f6a53-5b3f-4b35-9a53-0a1f3f6d2c11\n");
      const copy = started(
        await cloneAgentProcess(first, {
          prefix: ["unshare", "--mount", "sh", "-c", `mount --bind ${bootId} /proc/sys/kernel/random/boot_id && exec "$@"`, "sh"],
        }),
      );
      await until(() => expect(copy.output()).toContain("Another machine uses the same identity"));
      await until(async () => expect((await serverOf(first.agentId)).warnings.map(({ code }) => code)).toContain("cloned"));
      expect(await copy.status()).toContain("Another machine uses the same identity");
      const after = await serverOf(first.agentId);
      expect(after).toMatchObject({ state: "online", stateSince: before.stateSince });
      expect(first.output().match(/"msg":"connected"/g)).toHaveLength(1);
    },
  );

  it("an expired certificate may only renew, at the enrolment port", { timeout: 60_000 }, async () => {
    const [expired] = controller.expired;
    if (expired === undefined) throw new Error("no expired identity");
    /** The gateway speaks HTTP/2 first, to whom it lets in. */
    const knock = ({ keyPem: key, certificatePem: cert }: EnrolledIdentity) =>
      new Promise<string>((resolve) => {
        const options = { host: "127.0.0.1", port: controller.gatewayPort, servername: controller.gatewayName, ALPNProtocols: ["h2"] };
        const socket = connect({ ...options, ca: controller.caPem, key, cert });
        socket.on("data", () => (resolve("let in"), socket.destroy()));
        for (const end of ["error", "close"]) socket.on(end, () => resolve("closed"));
      });
    expect(await knock(identity(2))).toBe("let in");
    expect(await knock(expired)).toBe("closed");
    expect((await serverOf(expired.agentId)).state).toBe("pending");
    const agent = started(await startAgentProcess(controller, expired));
    await online(agent.agentId);
    expect(agent.output()).toContain("the expired certificate was renewed");
  });

  it(
    "through an HTTP proxy that alone can resolve the controller; whoever begins to watch sees the seconds before",
    { timeout: 90_000 },
    async () => {
      const proxy = await httpProxy();
      const agent = started(
        await startAgentProcess(controller, identity(2), {
          host: "devflow.example.invalid",
          env: { https_proxy: `http://127.0.0.1:${proxy.port}` },
        }),
      );
      await online(agent.agentId);
      expect(Buffer.concat(proxy.heard).toString()).toContain(`devflow.example.invalid:${controller.gatewayPort}`);
      await sleep(20_000);
      const seen: { atMs: number; timesMs: number[] }[] = [];
      const startMs = Date.now();
      const follow = () =>
        apiClient(controller.url, controller.token).follow(
          `server:${agent.agentId}`,
          (message: LiveMessage & { frames?: { timeMs: number }[] }) => {
            const timesMs =
              message.type === "frames"
                ? (message.frames ?? []).map((frame) => frame.timeMs)
                : message.type === "frame"
                  ? [message.timeMs ?? 0]
                  : [];
            if (timesMs.length > 0) seen.push({ atMs: Date.now(), timesMs });
          },
        );
      const stopFirst = await follow();
      await until(() => expect(seen.flatMap(({ timesMs }) => timesMs).length).toBeGreaterThanOrEqual(18), 10_000);
      await sleep(4_000);
      // The history came with the first second, and nothing is missing from there to now.
      expect((seen[0]?.atMs ?? Number.NaN) - startMs).toBeLessThan(5_000);
      const times = seen.flatMap(({ timesMs }) => timesMs);
      expect(times).toEqual(times.toSorted((a, b) => a - b));
      expect(Math.max(...times.slice(1).map((time, i) => time - (times[i] as number)))).toBeLessThan(4_000);
      expect(times[0]).toBeLessThan(startMs - 15_000);
      // A second one that joins gets them too, from the controller.
      seen.length = 0;
      const stopSecond = await follow();
      await until(() => expect(Math.max(0, ...seen.map(({ timesMs }) => timesMs.length))).toBeGreaterThanOrEqual(20), 5_000);
      stopFirst();
      stopSecond();
      await agent.end("SIGTERM");
      await proxy.close();
    },
  );
});
