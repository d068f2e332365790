import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Gateway } from "../../platform/rpc/index.ts";
import { type TestContext, testContext } from "../../testing/context.ts";
import { holdSession } from "./hold-session.ts";
import { createPresence, GRACE_MS } from "./presence.ts";
import type { AgentSession } from "./session-stream.ts";

let ctx: TestContext;
let nowMs = Date.now();
let serverId = "";
const closed: string[] = [];

beforeAll(async () => {
  ctx = await testContext({ clock: { now: () => nowMs } });
});
afterAll(() => ctx.close());
beforeEach(async () => {
  const [row] = await ctx.sql<
    { id: string }[]
  >`insert into servers (organization_id, name, hostname) values (${ctx.installation.defaultOrganizationId}, 'a', 'a') returning id`;
  serverId = row?.id as string;
  closed.length = 0;
});

const gatewayOf = (draining = false) => ({ id: randomUUID(), draining }) as Gateway;
const greeting = () => ({
  capabilities: [],
  agentVersion: "0.1.0",
  hostname: "a",
  bootId: randomUUID(),
  spoolId: randomUUID(),
  wallTimeMs: 0,
  monitorOnly: true,
});
const isOnline = async () => (await ctx.sql`select 1 from agent_sessions where server_id = ${serverId}`).length === 1;

/** A gateway with one session; only its connection is stood in for. */
async function gatewayWithSession() {
  const gateway = gatewayOf();
  const presenceSessions = new Map<string, AgentSession>();
  const presence = createPresence({ ctx, gateway, sessions: presenceSessions, log: ctx.log });
  const answer = await holdSession({
    ctx,
    input: { serverId, gatewayId: gateway.id, address: "192.0.2.1", greeting: greeting(), takeOver: false },
  });
  if (answer?.held !== true) throw new Error("not held");
  const session = {
    epoch: answer.epoch,
    connection: {
      identity: { serverId, serverNo: 1, organizationId: ctx.installation.defaultOrganizationId, serial: "1" },
      close: (why: string) => void closed.push(why),
    },
  } as unknown as AgentSession;
  presenceSessions.set(serverId, session);
  return { gateway, presence, session };
}

describe("presence", () => {
  it("calls nobody offline for 30 s after a start, and everybody who is still away afterwards", async () => {
    const { presence, session } = await gatewayWithSession();
    presence.closed(session);
    nowMs += GRACE_MS - 1000;
    await presence.confirm();
    expect(await isOnline()).toBe(true);
    nowMs += 1000;
    await presence.confirm();
    expect(await isOnline()).toBe(false);
    await presence.stop();
  });

  it("keeps one online who came back within the grace", async () => {
    const { presence, session } = await gatewayWithSession();
    presence.closed(session);
    const other = gatewayOf();
    await holdSession({ ctx, input: { serverId, gatewayId: other.id, address: "192.0.2.1", greeting: greeting(), takeOver: true } });
    nowMs += GRACE_MS;
    await presence.confirm();
    expect(await isOnline()).toBe(true);
    await presence.stop();
  });

  it("calls one offline at once later on", async () => {
    const { presence, session } = await gatewayWithSession();
    nowMs += GRACE_MS;
    await presence.confirm();
    presence.closed(session);
    await expect.poll(isOnline).toBe(false);
    await presence.stop();
  });

  it("ends the sessions of a gateway that died, but only after it could have confirmed them", async () => {
    const dead = await gatewayWithSession();
    await dead.presence.stop();
    const alive = createPresence({ ctx, gateway: gatewayOf(), sessions: new Map(), log: ctx.log });
    nowMs += GRACE_MS + 60_000;
    await alive.confirm();
    expect(await isOnline(), "the database may have been away until now").toBe(true);
    for (let i = 0; i < 3; i++) {
      nowMs += 15_000;
      await alive.confirm();
    }
    expect(await isOnline()).toBe(false);
    await alive.stop();
  });

  it("ends the session of a server that another process revoked or quarantined", async () => {
    for (const column of ["revoked_at", "quarantined_at"]) {
      const [row] = await ctx.sql<
        { id: string }[]
      >`insert into servers (organization_id, name, hostname) values (${ctx.installation.defaultOrganizationId}, 'a', 'a') returning id`;
      serverId = row?.id as string;
      closed.length = 0;
      const { presence } = await gatewayWithSession();
      await presence.confirm();
      expect(closed).toEqual([]);
      // Only the database hears of it: the bus ends at the other process.
      await ctx.sql`update servers set ${ctx.sql({ [column]: new Date() })} where id = ${serverId}`;
      await presence.confirm();
      expect(closed).toEqual([expect.stringContaining("revoked")]);
      await presence.stop();
    }
  });

  it("leaves those of a gateway that confirms them, and closes what another gateway took", async () => {
    const first = await gatewayWithSession();
    const second = createPresence({ ctx, gateway: gatewayOf(), sessions: new Map(), log: ctx.log });
    for (let i = 0; i < 8; i++) {
      nowMs += 15_000;
      await first.presence.confirm();
      await second.confirm();
    }
    expect(await isOnline()).toBe(true);
    expect(closed).toEqual([]);
    await holdSession({ ctx, input: { serverId, gatewayId: randomUUID(), address: "192.0.2.1", greeting: greeting(), takeOver: true } });
    await first.presence.confirm();
    expect(closed).toEqual(["another gateway holds this server now, or it was revoked"]);
    await first.presence.stop();
    await second.stop();
  });
});
