import { setTimeout as sleep } from "node:timers/promises";
import type { Server } from "@devflow/api";
import { status } from "@grpc/grpc-js";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { users } from "../../platform/auth/schema.ts";
import { createGateway, type RunningGateway } from "../../platform/rpc/index.ts";
import { type TestContext, testContext } from "../../testing/context.ts";
import { createToken, gatewayCredentials, identifyAgent, revokeServer } from "../enrolment/index.ts";
import { enrolAgent, newKey, renewRequest, type TestAgent } from "../enrolment/test-agent.ts";
import { batchOf, familyRows } from "../metrics/ingest.testkit.ts";
import { metrics } from "../metrics/index.ts";
import { session } from "./index.ts";
import { type SimulatedAgent, simulatedAgent, type SimulatedAgentOptions } from "./simulated-agent.testkit.ts";

let ctx: TestContext;
let gateway: RunningGateway;
let port: number;
/** Added to the controller's clock. */
let aheadMs = 0;
const agents: SimulatedAgent[] = [];

const principal = () =>
  ({
    kind: "user",
    id: "u1",
    name: "anna@example.com",
    organizationId: ctx.installation.defaultOrganizationId,
    permission: "admin",
    address: null,
    requestId: "r",
  }) as const;

async function startGateway(): Promise<RunningGateway> {
  const identifier = identifyAgent(ctx);
  const made = createGateway({
    credentials: await gatewayCredentials(ctx),
    identify: (der) => identifier.identify(der),
    log: ctx.log,
    now: () => ctx.clock.now(),
  });
  for (const feature of [session, metrics]) feature.gateway?.(made, ctx);
  return made;
}

async function enrolled(): Promise<TestAgent> {
  const { secret } = await createToken({ ctx, principal: principal(), input: { requestHost: null } });
  return enrolAgent(ctx, secret);
}

async function dial(agent: TestAgent, extra: Partial<SimulatedAgentOptions> = {}): Promise<SimulatedAgent> {
  const { caPem, name } = await gatewayCredentials(ctx);
  const made = simulatedAgent({
    port,
    keyPem: agent.keyPem,
    certificatePem: agent.certificatePem,
    caPem: caPem.join(""),
    gatewayName: name,
    ...extra,
  });
  agents.push(made);
  return made;
}

/** Enrolled, dialled, greeted and welcomed. */
async function ready(agent: TestAgent, extra: Partial<SimulatedAgentOptions> = {}): Promise<SimulatedAgent> {
  const made = await dial(agent, extra);
  made.hello();
  await made.expect("welcome");
  return made;
}

const serverOf = async (agent: TestAgent) => {
  const [row] = await ctx.sql<
    {
      online: boolean;
      warnings: Server["warnings"];
      agent_version: string;
      hostname: string;
      monitor_only: boolean;
      round_trip_ms: number | null;
      server_no: number;
      state_since: Date;
    }[]
  >`
    select s.*, a.server_id is not null as online from servers s left join agent_sessions a on a.server_id = s.id where s.id = ${agent.agentId}`;
  return row as NonNullable<typeof row>;
};
const warningsOf = async (agent: TestAgent): Promise<string[]> => (await serverOf(agent)).warnings.map((w) => w.code);
const thisInterval = (): number => Math.floor(Date.now() / 10_000) * 10;

beforeAll(async () => {
  ctx = await testContext({ clock: { now: () => Date.now() + aheadMs } });
  await ctx.db.insert(users).values({ id: "u1", name: "Anna", email: "anna@example.com" });
  await metrics.start?.(ctx);
  gateway = await startGateway();
  port = await gateway.listen("127.0.0.1", 0);
  // The grace after a start is a test of its own.
  aheadMs = 31_000;
});
afterEach(() => {
  for (const agent of agents.splice(0)) agent.close();
});
afterAll(async () => {
  await gateway.drain(1000);
  await ctx.close();
});

describe("a session", () => {
  it("greets, shows the server online with what Hello says, and offline when the connection closes", async () => {
    const identity = await enrolled();
    const agent = await ready(identity);
    const { value: welcome } = await agent.expect("welcome");
    expect(welcome).toMatchObject({
      serverName: "web-1",
      metricIntervalSeconds: 10,
      maxBatchesInFlight: 64,
      live: false,
      capabilities: ["2026-11-metrics", "2026-11-live", "2026-11-inventory"],
    });
    expect(welcome.taskSigningKey.length).toBeGreaterThan(40);
    expect(Math.abs(Number(welcome.wallTimeMs) - ctx.clock.now())).toBeLessThan(5000);
    expect(await serverOf(identity)).toMatchObject({ online: true, agent_version: "0.1.0", hostname: "web-1", monitor_only: true });
    agent.close();
    await expect.poll(async () => (await serverOf(identity)).online).toBe(false);
  });

  it("ends on Goodbye and shows the server offline", async () => {
    const identity = await enrolled();
    const agent = await ready(identity);
    agent.say({ case: "goodbye", value: { reason: "stop" } });
    await expect.poll(async () => (await serverOf(identity)).online, { timeout: 5000 }).toBe(false);
  });

  it.each([
    ["no capability", { capabilities: [] }, status.INVALID_ARGUMENT],
    ["no common capability", { capabilities: ["2031-01-telepathy"] }, status.FAILED_PRECONDITION],
    ["a spool id that is none", { spoolId: "../../etc" }, status.INVALID_ARGUMENT],
    ["a host name without end", { hostname: "x".repeat(254) }, status.INVALID_ARGUMENT],
    ["a version without end", { agentVersion: "x".repeat(65) }, status.INVALID_ARGUMENT],
  ])("refuses a Hello with %s", async (_, hello, code) => {
    const identity = await enrolled();
    const agent = await dial(identity);
    agent.hello(hello);
    expect((await agent.refused()).code).toBe(code);
    expect((await serverOf(identity)).online).toBe(false);
  });

  it("refuses anything before Hello, and cleans what is shown of it", async () => {
    const identity = await enrolled();
    const early = await dial(identity);
    early.say({ case: "spoolReport", value: { dropped: 1n } });
    expect((await early.refused()).code).toBe(status.INVALID_ARGUMENT);
    const agent = await dial(identity);
    agent.hello({ hostname: "web\u0000\u202e-1\n", agentVersion: "1\u001b[31m" });
    await agent.expect("welcome");
    expect(await serverOf(identity)).toMatchObject({ hostname: "web-1", agent_version: "1[31m" });
  });

  it("ends at once when the server is revoked, and lets nobody back in", async () => {
    const identity = await enrolled();
    const agent = await ready(identity);
    const push = agent.push();
    await revokeServer({ ctx, principal: principal(), input: { serverId: identity.agentId } });
    expect(await agent.refused()).toMatchObject({ code: status.PERMISSION_DENIED });
    await expect.poll(() => push.error()?.code, { timeout: 5000 }).toBeDefined();
    const again = await dial(identity);
    again.hello();
    expect(await again.refused()).toMatchObject({ code: status.PERMISSION_DENIED });
    expect((await serverOf(identity)).online).toBe(false);
  });

  it("gives a new certificate over the old one", async () => {
    const identity = await enrolled();
    const agent = await ready(identity);
    const key = newKey();
    agent.say({ case: "renewCertificate", value: renewRequest(identity.agentId, key) });
    const { value } = await agent.expect("renewCertificate");
    expect(value.error).toBe("");
    expect(value.certificatePem).toMatch(/BEGIN CERTIFICATE/);
    agent.received.length = 0;
    agent.say({ case: "renewCertificate", value: { ...renewRequest(identity.agentId, newKey()), proof: new Uint8Array(70) } });
    expect((await agent.expect("renewCertificate")).value).toMatchObject({
      certificatePem: "",
      error: expect.stringMatching(/proof/) as string,
    });
  });

  it("ends a session that talks without end", async () => {
    const agent = await ready(await enrolled());
    for (let i = 0; i < 200; i++) agent.say({ case: "spoolReport", value: {} });
    expect((await agent.refused()).code).toBe(status.RESOURCE_EXHAUSTED);
  });
});

describe("one identity, several connections", () => {
  it("lets an agent that came back take over from its own dead connection", async () => {
    const identity = await enrolled();
    const first = await ready(identity, { pongs: false });
    await ready(identity, { spoolId: first.spoolId, bootId: first.bootId });
    expect((await first.refused()).code).toBe(status.ABORTED);
    await sleep(1200);
    expect((await serverOf(identity)).online, "the old one's end must not show the new one offline").toBe(true);
  });

  it("refuses a second machine while the first answers, warns, and leaves the first alone", async () => {
    const identity = await enrolled();
    const first = await ready(identity);
    const clone = await dial(identity);
    clone.hello();
    expect(await clone.refused()).toMatchObject({ code: status.PERMISSION_DENIED, details: expect.stringMatching(/^cloned/) as string });
    await expect.poll(() => warningsOf(identity)).toContain("cloned");
    expect(first.error()).toBeNull();
    const stolen = clone.push();
    stolen.send([batchOf(1, thisInterval())]);
    await expect.poll(() => stolen.error()?.code, { timeout: 5000 }).toBeDefined();
    expect((await serverOf(identity)).online).toBe(true);
  });

  it("lets a reinstalled agent in once the older connection does not answer", async () => {
    const identity = await enrolled();
    await ready(identity, { pongs: false });
    const fresh = await dial(identity);
    fresh.hello();
    await fresh.expect("welcome");
    expect(await warningsOf(identity)).not.toContain("cloned");
  }, 20_000);

  it("moves a server between two gateways; the stale one changes nothing", async () => {
    const identity = await enrolled();
    const first = await ready(identity);
    const other = await startGateway();
    const otherPort = await other.listen("127.0.0.1", 0);
    await ready(identity, { port: otherPort, spoolId: first.spoolId, bootId: first.bootId });
    const [{ epoch, gateway_id }] =
      (await ctx.sql`select epoch, gateway_id from agent_sessions where server_id = ${identity.agentId}`) as unknown as [
        { epoch: number; gateway_id: string },
      ];
    expect([epoch, gateway_id]).toEqual([2, other.id]);
    first.close();
    await sleep(300);
    expect((await serverOf(identity)).online).toBe(true);
    await other.drain(100);
    // A gateway that stops says nothing about its agents: they are on their way to another.
    expect((await serverOf(identity)).online).toBe(true);
  });
});

describe("warnings", () => {
  it("tells of a clock that is far off, and takes it back", async () => {
    const identity = await enrolled();
    const { spoolId, bootId } = await ready(identity, { clockOffsetMs: aheadMs - 7_200_000 });
    await expect.poll(() => warningsOf(identity)).toEqual(["clock_off"]);
    expect((await serverOf(identity)).warnings[0]?.message).toMatch(/2 hours behind/);
    await ready(identity, { clockOffsetMs: aheadMs, spoolId, bootId });
    await expect.poll(() => warningsOf(identity), { timeout: 8000 }).toEqual([]);
  }, 20_000);

  it("tells of a spool that cannot be written or dropped batches", async () => {
    const identity = await enrolled();
    const agent = await ready(identity, { clockOffsetMs: aheadMs });
    agent.say({ case: "spoolReport", value: { dropped: 12n, error: "ENOSPC: no space left on device\u0007" } });
    await expect.poll(async () => (await warningsOf(identity)).toSorted()).toEqual(["spool_dropped", "spool_error"]);
    expect((await serverOf(identity)).warnings.find((w) => w.code === "spool_error")?.message).toContain(
      "ENOSPC: no space left on device.",
    );
    agent.say({ case: "spoolReport", value: { dropped: 12n } });
    await expect.poll(() => warningsOf(identity)).toEqual(["spool_dropped"]);
    // Told once: a session later the same count is no news, even when a person has seen to it meanwhile.
    await ctx.sql`update servers set warnings = '[]' where id = ${identity.agentId}`;
    agent.close();
    const back = await ready(identity, { clockOffsetMs: aheadMs, spoolId: agent.spoolId, bootId: agent.bootId });
    back.say({ case: "spoolReport", value: { dropped: 12n, error: "x" } });
    await expect.poll(() => warningsOf(identity)).toEqual(["spool_error"]);
    back.say({ case: "spoolReport", value: { dropped: 13n, error: "x" } });
    await expect.poll(async () => (await warningsOf(identity)).toSorted()).toEqual(["spool_dropped", "spool_error"]);
  });
});

describe("inventory", () => {
  it("is stored when it changes, cleaned", async () => {
    const identity = await enrolled();
    const agent = await ready(identity);
    agent.say({
      case: "inventory",
      value: {
        hostname: "web-1",
        osName: "Debian\u202e GNU/Linux 12",
        memoryBytes: 2n ** 63n,
        bootTimeS: -1n,
        interfaces: [{ name: "eth0", addresses: ["192.0.2.7/24"] }],
      },
    });
    const stored = async () =>
      (
        await ctx.sql<
          { facts: Record<string, unknown>; updated_at: Date }[]
        >`select facts, updated_at from inventories where server_id = ${identity.agentId}`
      )[0];
    await expect.poll(stored).toMatchObject({
      facts: {
        osName: "Debian GNU/Linux 12",
        memoryBytes: Number.MAX_SAFE_INTEGER,
        bootTime: "1970-01-01T00:00:00.000Z",
        interfaces: [{ name: "eth0", addresses: ["192.0.2.7/24"] }],
      },
    });
  });

  it("over 256 KiB ends the session", async () => {
    const agent = await ready(await enrolled());
    agent.say({ case: "inventory", value: { hostname: "x".repeat(300_000) } });
    expect((await agent.refused()).code).toBe(status.INVALID_ARGUMENT);
  });
});

describe("metrics", () => {
  it("are acknowledged after the commit, bad batches rejected and shown as a warning", async () => {
    const identity = await enrolled();
    const agent = await ready(identity, { clockOffsetMs: aheadMs });
    const push = agent.push();
    const now = thisInterval();
    push.send([batchOf(1, now), batchOf(2, now + 7200), batchOf(3, now - 10), batchOf(3, now - 10), batchOf(9, now - 7200)]);
    await expect.poll(push.outcomes).toBe(4);
    expect(push.rejected).toMatchObject([{ sequence: 2n, detail: expect.stringMatching(/ahead/) as string }]);
    await expect
      .poll(async () => (await serverOf(identity)).warnings)
      .toMatchObject([{ code: "batches_rejected", message: expect.stringMatching(/1 batch .*in future/) as string }]);
    const { server_no } = await serverOf(identity);
    expect(await ctx.sql`select count(*)::int as n from metric_host_10s where server_no = ${server_no}`).toEqual([{ n: 3 }]);
  });

  it("are refused before Welcome, with another spool's id, in too large requests, or on a second stream", async () => {
    const identity = await enrolled();
    const early = await dial(identity);
    const tooEarly = early.push();
    tooEarly.send([batchOf(1, thisInterval())]);
    await expect.poll(() => tooEarly.error()?.code).toBe(status.FAILED_PRECONDITION);
    early.close();
    const agent = await ready(identity, { spoolId: early.spoolId });
    const foreign = agent.push();
    foreign.send([batchOf(1, thisInterval())], "00000000-0000-0000-0000-000000000000");
    await expect.poll(() => foreign.error()?.code).toBe(status.INVALID_ARGUMENT);
    const push = agent.push();
    push.send([batchOf(1, thisInterval())]);
    await expect.poll(push.outcomes).toBe(1);
    const second = agent.push();
    second.send([batchOf(2, thisInterval())]);
    await expect.poll(() => second.error()?.code).toBe(status.RESOURCE_EXHAUSTED);
    push.send(Array.from({ length: 257 }, (_, i) => batchOf(i + 3, thisInterval())));
    await expect.poll(() => push.error()?.code).toBe(status.INVALID_ARGUMENT);
  });

  it("of one agent can never be written as another's", async () => {
    const [a, b] = [await enrolled(), await enrolled()];
    const agent = await ready(a);
    await ready(b);
    const push = agent.push();
    push.send([batchOf(1, thisInterval())]);
    await expect.poll(push.outcomes).toBe(1);
    const rows =
      await ctx.sql`select server_no from metric_host_10s where server_no in (${(await serverOf(a)).server_no}, ${(await serverOf(b)).server_no})`;
    expect([...rows]).toEqual([{ server_no: (await serverOf(a)).server_no }]);
  });
});

describe("live mode", () => {
  it("is switched by watchers; frames reach the bus in natural units, only while watched, at a bounded rate", async () => {
    const identity = await enrolled();
    const frames: unknown[] = [];
    const off = ctx.bus.on("live.frame", (frame) => void frames.push(frame));
    const agent = await ready(identity);
    const live = agent.live();
    const frame = () => ({
      readAtMs: BigInt(ctx.clock.now()),
      families: [familyRows("network", { eth0: { receive: 10, transmit: 5 } }, 4)],
    });
    live.write(frame());
    await sleep(100);
    expect(frames, "nobody watches").toEqual([]);
    ctx.bus.emit("live.watchers", { serverId: identity.agentId, watchers: 1 });
    expect((await agent.expect("liveMode")).value.on).toBe(true);
    for (let i = 0; i < 20; i++) live.write(frame());
    await expect.poll(() => frames.length).toBeGreaterThan(0);
    await sleep(200);
    expect(frames.length).toBeLessThanOrEqual(7);
    expect(frames[0]).toMatchObject({
      type: "frame",
      serverId: identity.agentId,
      rows: [{ family: "network", instance: "eth0", values: [1024, 512, null, null, null, null, null, null] }],
    });
    ctx.bus.emit("live.watchers", { serverId: identity.agentId, watchers: 0 });
    off();
  });

  it("may begin with two minutes of earlier seconds, told together; more than that is dropped", async () => {
    const identity = await enrolled();
    const told: { history: number[]; frames: number[] } = { history: [], frames: [] };
    const offs = [
      ctx.bus.on("live.history", ({ frames }) => void told.history.push(...frames.map((frame) => frame.timeMs))),
      ctx.bus.on("live.frame", (frame) => void told.frames.push(frame.timeMs)),
    ];
    const agent = await ready(identity);
    ctx.bus.emit("live.watchers", { serverId: identity.agentId, watchers: 1 });
    await agent.expect("liveMode");
    const live = agent.live();
    const nowMs = ctx.clock.now();
    const send = (ageS: number) =>
      live.write({ readAtMs: BigInt(nowMs - ageS * 1000), families: [familyRows("network", { eth0: { receive: 10 } }, 4)] });
    for (let ageS = 120; ageS >= 0; ageS--) send(ageS);
    await expect.poll(() => told.frames.at(-1)).toBe(nowMs);
    expect(told.history[0]).toBe(nowMs - 120_000);
    expect([...told.history, ...told.frames]).toHaveLength(121);
    expect(told.history).toEqual(told.history.toSorted((a, b) => a - b));
    for (let i = 0; i < 400; i++) send(100);
    await sleep(300);
    expect(told.history.length).toBeLessThan(200);
    ctx.bus.emit("live.watchers", { serverId: identity.agentId, watchers: 0 });
    for (const off of offs) off();
  });
});
