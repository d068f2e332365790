import { once } from "node:events";
import type { Socket } from "node:net";
import type { LiveServerMessage } from "@devflow/api";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { tokenHash } from "../../../features/tokens/secret.ts";
import { testWeb, type TestWeb } from "../../../testing/web.ts";

type Frame = Extract<LiveServerMessage, { type: "frame" }>;

describe("the live socket", () => {
  let web: TestWeb;
  let token: string;
  beforeAll(async () => {
    web = await testWeb();
    token = await web.token("view");
  });
  afterAll(() => web.close());

  const opened: WebSocket[] = [];
  afterEach(() => opened.splice(0).forEach((socket) => socket.terminate()));

  /** A socket with what it received. Rejects with the HTTP status when the upgrade is refused. */
  const open = async (headers: Record<string, string> = { authorization: `Bearer ${token}` }) => {
    const socket = new WebSocket(`${web.origin.replace("http", "ws")}/api/v1/live`, { headers });
    const received: LiveServerMessage[] = [];
    socket.on("message", (data: Buffer) => received.push(JSON.parse(data.toString()) as LiveServerMessage));
    await new Promise<void>((resolve, reject) => {
      socket.on("open", () => resolve());
      socket.on("unexpected-response", (_request, response) => reject(new Error(String(response.statusCode))));
    });
    opened.push(socket);
    const send = (message: object) => socket.send(JSON.stringify(message));
    return { socket, received, send, subscribe: (topic: string) => send({ type: "subscribe", topic }) };
  };
  const closed = async (socket: WebSocket) => ((await once(socket, "close")) as [number, Buffer])[0];
  const frame = (serverId: string, timeMs: number, padding = ""): Frame => ({
    type: "frame",
    serverId,
    timeMs,
    rows: [{ family: "host", instance: padding, values: [1, null] }],
  });

  it("takes a session's cookie from our own page only", async () => {
    const cookie = await web.signIn();
    await open({ cookie, origin: web.origin });
    await expect(open({ cookie, origin: "http://evil.example" })).rejects.toThrow("403");
    await expect(open({ cookie })).rejects.toThrow("403");
    await expect(open({})).rejects.toThrow("401");
    await expect(open({ authorization: "Bearer wrong", cookie, origin: web.origin })).rejects.toThrow("401");
  });

  it("ends at once when its session or token ends, and no other does", async () => {
    const cookie = await web.signIn();
    const [ofSession, ofToken, other] = [
      await open({ cookie, origin: web.origin }),
      await open(),
      await open({ authorization: `Bearer ${await web.token("view")}` }),
    ];
    const ended = closed(ofSession.socket);
    await web.ask("/api/v1/session", { method: "DELETE", cookie });
    expect(await ended).toBe(4401);
    const [row] = await web.ctx.sql<{ id: string }[]>`select id from api_tokens where sha256 = ${tokenHash(token)}`;
    const revoked = closed(ofToken.socket);
    await web.ask(`/api/v1/tokens/${row!.id}`, { method: "DELETE", token: await web.token("owner") });
    expect(await revoked).toBe(4401);
    expect(other.socket.readyState).toBe(WebSocket.OPEN);
    token = await web.token("view");
  }, 10_000); // well before the heartbeat would notice

  it("looks again at everybody when revocations may have been missed, and has what is shown fetched again", async () => {
    const [revoked, kept] = [await web.token("view"), await web.token("view")];
    const [ofRevoked, ofKept] = [await open({ authorization: `Bearer ${revoked}` }), await open({ authorization: `Bearer ${kept}` })];
    // Only the database hears of it: another controller's word got lost.
    await web.ctx.sql`update api_tokens set revoked_at = now() where sha256 = ${tokenHash(revoked)}`;
    expect((await web.ask("/api/v1/servers", { token: revoked })).status).toBe(200);
    const ended = closed(ofRevoked.socket);
    web.ctx.bus.emit("bus.resumed", {});
    expect(await ended).toBe(4401);
    expect((await web.ask("/api/v1/servers", { token: revoked })).status).toBe(401);
    await expect.poll(() => ofKept.received).toEqual([{ type: "missed" }]);
    expect(ofKept.socket.readyState).toBe(WebSocket.OPEN);
  }, 10_000); // well before the heartbeat would notice

  it("answers a ping, so that a page can tell quiet from dead", async () => {
    const { received, send } = await open();
    send({ type: "ping" });
    await expect.poll(() => received).toEqual([{ type: "pong" }]);
  });

  it("passes frames of the watched server alone, and tells the gateway how many watch", async () => {
    const [id, other] = [await web.server(), await web.server()];
    const watchers: [string, number][] = [];
    const off = web.ctx.bus.on("live.watchers", ({ serverId, watchers: n }) => watchers.push([serverId, n]));
    const [a, b] = [await open(), await open()];
    a.subscribe(`server:${id}`);
    a.subscribe(`server:${id}`);
    await expect.poll(() => watchers).toEqual([[id, 1]]);
    b.subscribe(`server:${id}`);
    await expect.poll(() => watchers.length).toBe(2);
    web.ctx.bus.emit("live.frame", frame(other, 1));
    web.ctx.bus.emit("live.frame", frame(id, 2));
    await expect.poll(() => a.received).toEqual([{ type: "subscribed", topic: `server:${id}` }, frame(id, 2)]);
    a.send({ type: "unsubscribe", topic: `server:${id}` });
    b.socket.terminate();
    await expect.poll(() => watchers.map(([, n]) => n)).toEqual([1, 2, 1, 0]);
    web.ctx.bus.emit("live.frame", frame(id, 3));
    expect(a.received.length).toBe(2);
    off();
  });

  it("gathers changes of the list into one message a second, of one's own organisation", async () => {
    const mine = await web.server({ name: "mine" });
    const foreignOrganization = await web.organization();
    const foreign = await web.server({ organizationId: foreignOrganization });
    const { received, subscribe } = await open();
    subscribe("servers");
    await expect.poll(() => received.length).toBe(1);
    const organizationId = web.ctx.installation.defaultOrganizationId;
    for (let i = 0; i < 20; i++) web.ctx.bus.emit("server.changed", { organizationId, serverId: mine });
    web.ctx.bus.emit("server.changed", { organizationId: foreignOrganization, serverId: foreign });
    // Even when an event names the wrong organisation, the row of another one is not read.
    web.ctx.bus.emit("server.changed", { organizationId, serverId: foreign });
    const gone = crypto.randomUUID();
    web.ctx.bus.emit("server.removed", { organizationId, serverId: gone });
    await expect.poll(() => received.length, { timeout: 60_000 }).toBe(2);
    expect(received[1]).toMatchObject({ type: "servers", changed: [{ id: mine, name: "mine" }], removed: [gone] });
  });

  it("tells newest values once, of one's own organisation, also of a transaction that was open at the last look", async () => {
    const { sql } = web.ctx;
    const [mine, later, foreign] = [await web.server(), await web.server(), await web.server({ organizationId: await web.organization() })];
    const store = (tx: typeof sql, id: string, cpu: number) => tx`
      insert into server_latest (server_no, time, cpu_percent, disk_mount) select server_no, '2026-01-01T00:00:10Z', ${cpu}, '/srv' from servers where id = ${id}`;
    const { received, subscribe } = await open();
    const rows = () => received.flatMap((message) => (message.type === "values" ? message.rows : []));
    const row = (id: string, cpu: number) => [id, Date.UTC(2026, 0, 1, 0, 0, 10), cpu, null, null, null, null, "/srv", null, null];
    subscribe("servers");
    await expect.poll(() => received.length).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await sql.begin(async (tx) => {
      await store(tx as never, later, 2);
      await store(sql, mine, 1);
      await store(sql, foreign, 3);
      await expect.poll(rows, { timeout: 60_000 }).toEqual([row(mine, 1)]);
    });
    await expect.poll(rows, { timeout: 60_000 }).toEqual([row(mine, 1), row(later, 2)]);
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect(rows().length).toBe(2);
  });

  it("closes at once when the token, the session or the user loses its rights", async () => {
    const { body } = await web.ask("/api/v1/tokens", {
      method: "POST",
      cookie: await web.signIn(),
      json: { name: "t", role: "view" },
    });
    const byToken = await open({ authorization: `Bearer ${body.secret}` });
    const cookie = await web.signIn();
    const bySession = await open({ cookie, origin: web.origin });
    const bystander = await open();
    const ends = [closed(byToken.socket), closed(bySession.socket)];
    await web.ask("/api/v1/session", { method: "DELETE", cookie });
    await web.ask(`/api/v1/tokens/${body.token.id}`, { method: "DELETE", cookie: await web.signIn() });
    expect(await Promise.all(ends)).toEqual([4401, 4401]);
    expect(bystander.socket.readyState).toBe(WebSocket.OPEN);
  });

  it("ends sockets that do not speak the protocol", async () => {
    for (const [message, code] of [
      ["{", 4400],
      ['{"type":"subscribe"}', 4400],
      [Buffer.from([1]), 4400],
      ["x".repeat(5000), 1009],
    ] as const) {
      const { socket } = await open();
      const end = closed(socket);
      socket.send(message);
      expect(await end).toBe(code);
    }
    const flood = await open();
    const end = closed(flood.socket);
    for (let i = 0; i < 700; i++) flood.send({ type: "unsubscribe", topic: "x" });
    expect(await end).toBe(4429);
  });

  it("bounds the subscriptions of a socket", async () => {
    const { received, subscribe } = await open();
    for (let i = 0; i < 101; i++) subscribe(`server:${await web.server()}`);
    await expect.poll(() => received.length).toBe(101);
    expect(received.filter(({ type }) => type === "refused")).toMatchObject([{ code: "too_large" }]);
  });

  it("drops frames for a slow browser, never their order, and ends with the newest", async () => {
    const id = await web.server();
    const { socket, received, subscribe } = await open();
    subscribe(`server:${id}`);
    await expect.poll(() => received.length).toBe(1);
    const tcp = (socket as unknown as { _socket: Socket })._socket;
    tcp.pause();
    const padding = "x".repeat(50_000);
    const sent = 400;
    for (let n = 1; n <= sent; n++) {
      web.ctx.bus.emit("live.frame", frame(id, n, padding));
      if (n % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    }
    tcp.resume();
    const times = () => received.flatMap((message) => (message.type === "frame" ? [message.timeMs] : []));
    await expect.poll(() => times().at(-1), { timeout: 60_000 }).toBe(sent);
    expect(times()).toEqual(times().toSorted((a, b) => a - b));
    expect(times().length).toBeLessThan(sent);
    web.ctx.bus.emit("live.frame", frame(id, sent + 1));
    await expect.poll(() => times().at(-1)).toBe(sent + 1);
  });
});
