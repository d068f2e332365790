import { randomUUID } from "node:crypto";
import { status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { revokeServer } from "../enrolment/index.ts";
import { newKey, renewRequest } from "../enrolment/test-agent.ts";
import { useGateway } from "./gateway.testkit.ts";

const { context, principal, enrolled, dial, ready, serverOf } = useGateway();

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
    expect(Math.abs(Number(welcome.wallTimeMs) - context().clock.now())).toBeLessThan(5000);
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
    await revokeServer({ ctx: context(), principal: principal(), input: { serverId: identity.agentId } });
    expect(await agent.refused()).toMatchObject({ code: status.PERMISSION_DENIED });
    await expect.poll(() => push.error()?.code, { timeout: 5000 }).toBeDefined();
    const again = await dial(identity);
    again.hello();
    expect(await again.refused()).toMatchObject({ code: status.PERMISSION_DENIED });
    expect((await serverOf(identity)).online).toBe(false);
  });

  it("ends when another gateway has the server now, but not for an older word of one", async () => {
    const identity = await enrolled();
    const agent = await ready(identity);
    const { bus } = context();
    const [row] = await context().sql<{ gatewayId: string; epoch: number }[]>`
      select gateway_id as "gatewayId", epoch from agent_sessions where server_id = ${identity.agentId}`;
    const { gatewayId, epoch } = row!;
    bus.emit("session.taken", { serverId: identity.agentId, gatewayId, epoch: epoch + 1 });
    bus.emit("session.taken", { serverId: identity.agentId, gatewayId: randomUUID(), epoch });
    bus.emit("live.watchers", { serverId: identity.agentId, watchers: 1 });
    await agent.expect("liveMode"); // still there
    bus.emit("session.taken", { serverId: identity.agentId, gatewayId: randomUUID(), epoch: epoch + 1 });
    expect(await agent.refused()).toMatchObject({ code: status.ABORTED });
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
