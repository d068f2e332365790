import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Gateway } from "../../platform/rpc/index.ts";
import { type TestContext, testContext } from "../../testing/context.ts";
import { createHoldSessions } from "./hold-session.ts";
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
const hold = (gatewayId: string, takeOver: boolean) =>
  createHoldSessions(ctx, gatewayId)({ serverId, address: "192.0.2.1", greeting: greeting(), takeOver });
const isOnline = async () => (await ctx.sql`select 1 from agent_sessions where server_id = ${serverId}`).length === 1;

/** A gateway with one session; only its connection is stood in for. */
async function gatewayWithSession() {
  const gateway = gatewayOf();
  const presenceSessions = new Map<string, AgentSession>();
  const presence = createPresence({ ctx, gateway, sessions: presenceSessions, log: ctx.log });
  const answer = await hold(gateway.id, false);
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
    await hold(other.id, true);
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

  it("tells once of who came and who went, all that happened together in one transaction", async () => {
    const gateway = gatewayOf();
    const sessions = new Map<string, AgentSession>();
    const presence = createPresence({ ctx, gateway, sessions, log: ctx.log });
    const rows = await ctx.sql<{ id: string }[]>`
      insert into servers (organization_id, name, hostname) select ${ctx.installation.defaultOrganizationId}, 's' || n, 's' from generate_series(1, 300) n returning id`;
    const ids = rows.map(({ id }) => id);
    const take = createHoldSessions(ctx, gateway.id);
    const greetings = new Map(ids.map((id) => [id, greeting()]));
    const come = () =>
      Promise.all(
        ids.map(async (id) => {
          const answer = await take({ serverId: id, address: "192.0.2.1", greeting: greetings.get(id)!, takeOver: false });
          if (answer?.held !== true) throw new Error("not held");
          const identity = { serverId: id, serverNo: 1, organizationId: ctx.installation.defaultOrganizationId, serial: "1" };
          const session = { epoch: answer.epoch, connection: { identity, close: () => undefined } } as unknown as AgentSession;
          sessions.set(id, session);
          return session;
        }),
      );
    const told = async () =>
      ctx.sql`select type, count(*)::int as events, count(distinct transaction)::int as transactions from events
        where subject_id = any(string_to_array(${ids.join(",")}, ',')) group by type order by type`;
    const first = await come();
    // Who takes the session over from its own older connection was there all the time.
    const second = await come();
    const [online, ...none] = await told();
    expect([online, none]).toMatchObject([{ type: "server.online", events: 300 }, []]);
    expect(online!["transactions"]).toBeLessThan(10);
    for (const session of [...first, ...second]) presence.closed(session);
    await presence.confirm();
    expect(await told(), "nobody is called offline within the grace").toEqual([online]);
    nowMs += GRACE_MS;
    await presence.confirm();
    const [offline] = await told();
    expect(offline).toMatchObject({ type: "server.offline", events: 300 });
    expect(offline!["transactions"]).toBeLessThan(10);
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
    await hold(randomUUID(), true);
    await first.presence.confirm();
    expect(closed).toEqual(["another gateway holds this server now, or it was revoked"]);
    await first.presence.stop();
    await second.stop();
  });
});

describe("holding sessions", () => {
  const servers = async (count: number): Promise<string[]> => {
    const rows = await ctx.sql<{ id: string }[]>`
      insert into servers (organization_id, name, hostname)
      select ${ctx.installation.defaultOrganizationId}, 'a', 'a' from generate_series(1, ${count}) returning id`;
    return rows.map(({ id }) => id);
  };
  const ask = (id: string, own = greeting()) => ({ serverId: id, address: "192.0.2.1", greeting: own, takeOver: false });

  it("answers each of many that come at once for itself", async () => {
    const ids = await servers(1200);
    const [mine, other] = [createHoldSessions(ctx, randomUUID()), createHoldSessions(ctx, randomUUID())];
    const [taken, again, gone] = [ids[700] as string, ids[800] as string, randomUUID()];
    await other(ask(taken));
    const same = greeting();
    await other(ask(again, same));
    await ctx.sql`update servers set warnings = '[{"code": "clock_off"}]', spool_id = ${same.spoolId}, spool_dropped = 7 where id = ${again}`;
    const answers = await Promise.all([...ids, gone].map((id) => mine(ask(id, id === again ? same : { ...greeting(), hostname: id }))));
    const held = answers.filter((answer) => answer?.held === true);
    expect(held).toHaveLength(1199);
    expect(answers[700]).toEqual({ held: false, gatewayId: expect.any(String) });
    expect(answers[800]).toMatchObject({ held: true, epoch: 2, serverName: "a", spoolDropped: 7, warned: ["clock_off"] });
    expect(answers.at(-1)).toBeNull();
    const rows = await ctx.sql`select id, hostname from servers where id = any(${ids}) and hostname <> id::text`;
    expect(rows.map((row) => row["id"] as string).toSorted()).toEqual([taken, again].toSorted());
  });

  it("answers one server's connections in the order in which they came", async () => {
    const mine = createHoldSessions(ctx, randomUUID());
    const [id] = (await servers(1)) as [string];
    const first = greeting();
    const answers = await Promise.all([mine(ask(id, first)), mine(ask(id, first)), mine(ask(id)), mine({ ...ask(id), takeOver: true })]);
    expect(answers).toMatchObject([{ held: true, epoch: 1 }, { held: true, epoch: 2 }, { held: false }, { held: true, epoch: 3 }]);
  });

  it("gets along with other gateways that take the same servers in another order", async () => {
    const ids = await servers(400);
    const gateways = [0, 1, 2].map(() => createHoldSessions(ctx, randomUUID()));
    const rounds = gateways.map((take, g) => {
      const order = g % 2 === 0 ? ids : ids.toReversed();
      return Promise.all(order.map((id) => take({ ...ask(id), takeOver: true })));
    });
    for (const answers of await Promise.all(rounds)) expect(answers.every((answer) => answer?.held === true)).toBe(true);
    expect(await ctx.sql`select distinct epoch from agent_sessions where server_id = any(${ids})`).toEqual([{ epoch: 3 }]);
  });
});
