import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startAgents, type RunningAgents } from "../agent/src/synthetic-agents.ts";
import { createToken, gatewayCredentials, identifyAgent } from "../controller/src/features/enrolment/index.ts";
import { enrolAgent } from "../controller/src/features/enrolment/test-agent.ts";
import { metrics } from "../controller/src/features/metrics/index.ts";
import { session } from "../controller/src/features/session/index.ts";
import { users } from "../controller/src/platform/auth/schema.ts";
import { createGateway, type RunningGateway } from "../controller/src/platform/rpc/index.ts";
import { type TestContext, testContext } from "../controller/src/testing/context.ts";
import { roleAccess } from "../controller/src/platform/auth/index.ts";

const COUNT = 25;
let ctx: TestContext;
let gateway: RunningGateway;
let fleet: RunningAgents | null = null;
let network: Awaited<ReturnType<typeof startNetwork>>;

/** A wire that can be cut: what was sent and not answered is lost, as when a gateway is killed. */
async function startNetwork(toPort: number) {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(toPort, "127.0.0.1");
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.on("error", () => undefined); // cut
      socket.on("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    cut: () => {
      for (const socket of sockets) socket.destroy();
    },
    close: () => server.close(),
  };
}

beforeAll(async () => {
  ctx = await testContext();
  await ctx.db.insert(users).values({ id: "u1", name: "Anna", email: "anna@example.com" });
  for (const feature of [session, metrics]) await feature.start?.(ctx);
  const identifier = identifyAgent(ctx);
  gateway = createGateway({ credentials: await gatewayCredentials(ctx), identify: (der) => identifier.identify(der), log: ctx.log });
  for (const feature of [session, metrics]) feature.gateway?.(gateway, ctx);
  network = await startNetwork(await gateway.listen("127.0.0.1", 0));
});
afterAll(async () => {
  await fleet?.stop();
  network.close();
  await gateway.drain(1_000);
  await ctx.close();
});

test(`${COUNT} agents whose connections are cut every few seconds: every row is there once`, { timeout: 120_000 }, async () => {
  const principal = {
    kind: "user",
    id: "u1",
    name: "anna",
    organizationId: ctx.installation.defaultOrganizationId,
    userId: null,
    access: roleAccess("admin", ctx.installation.defaultOrganizationId),
    address: null,
    requestId: "r",
  } as const;
  const { secret } = await createToken({ ctx, principal, input: { requestHost: null, maxUses: COUNT } });
  const { caPem, name } = await gatewayCredentials(ctx);
  const acknowledged = new Map<number, number[]>();
  fleet = await startAgents({
    count: COUNT,
    target: {
      controllerHost: "127.0.0.1",
      gatewayPort: network.port,
      gatewayName: name,
      caPem: caPem.join(""),
      identity: (index) => enrolAgent(ctx, secret, undefined, `web-${index}`),
    },
    intervalMs: 1_000,
    sendSpreadMs: 2_000,
    spoolOnDisk: true,
    onCommitted: (index, { timeS }) => acknowledged.set(index, [...(acknowledged.get(index) ?? []), timeS]),
  });
  for (let i = 0; i < 12; i++) {
    await sleep(3_000);
    network.cut();
  }
  await expect.poll(() => fleet?.connected(), { timeout: 60_000 }).toBe(COUNT);
  await expect.poll(() => fleet?.totals().waiting, { timeout: 60_000 }).toBe(0);
  const totals = fleet.totals();
  expect(totals).toMatchObject({ rejected: 0, dropped: 0 });

  const rows = await ctx.sql<{ id: string; times: number[] }[]>`
    select s.id, array_agg(extract(epoch from m.time)::int order by m.time) as times
    from metric_host_10s m join servers s using (server_no) group by 1`;
  const stored = new Map(rows.map(({ id, times }) => [id, times]));
  for (const [index, agent] of fleet.agents.entries()) {
    const times = stored.get(agent.agentId) ?? [];
    const acked = (acknowledged.get(index) ?? []).toSorted((a, b) => a - b);
    expect(acked.length).toBeGreaterThanOrEqual(3);
    // Acknowledged means stored; an agent may have been told twice, the table holds it once.
    expect(times).toEqual(expect.arrayContaining(acked));
    expect(times.every((time, i) => i === 0 || time === (times[i - 1] as number) + 10)).toBe(true);
  }
});
