import { randomBytes } from "node:crypto";
import { once } from "node:events";
import tls from "node:tls";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { WebSocket } from "ws";
import { type TestContext, testContext } from "../../testing/context.ts";
import { createBus, joinDatabaseBus, type ProcessBus } from "../bus/index.ts";
import { createMasterKey } from "../crypto/index.ts";
import type { Stop } from "../stop.ts";
import { createTestCa } from "../rpc/pki.testkit.ts";
import { followFrames } from "./frames-client.ts";
import { joinControllers } from "./index.ts";
import { clientOptions, sharedKey } from "./shared-key.ts";

let ctx: TestContext;
beforeAll(async () => {
  ctx = await testContext();
});
afterAll(() => ctx.close());

const stops: Stop[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
  await ctx.sql`delete from controllers`;
});

/** A process as far as other controllers see it. */
const start = async (roles: readonly ("web" | "gateway")[]) => {
  const bus: ProcessBus = createBus((error) => {
    throw error;
  });
  const log = ctx.log.child({}, { level: "silent" });
  const own: Stop[] = [await joinDatabaseBus({ bus, sql: ctx.sql, target: ctx.directTarget, masterKey: ctx.masterKey, log })];
  own.push(await joinControllers({ ...ctx, log, bus, config: { ...ctx.config, roles: new Set(roles) } }, bus));
  stops.push(...own);
  const frames: number[] = [];
  const history: number[][] = [];
  const watchers: [string, number][] = [];
  bus.on("live.frame", ({ timeMs }) => frames.push(timeMs));
  bus.on("live.history", (event) => history.push(event.frames.map(({ timeMs }) => timeMs)));
  bus.on("live.watchers", (event, origin) => origin !== null && watchers.push([event.serverId, event.watchers]));
  return { bus, frames, history, watchers, stop: own[1]! };
};
const frame = (serverId: string, timeMs: number, instance = "") => ({
  type: "frame" as const,
  serverId,
  timeMs,
  rows: [{ family: "host", instance, values: [1, null] }],
});
const addressOf = async (bus: ProcessBus) =>
  (await ctx.sql<{ address: string }[]>`select internal_address as address from controllers where id = ${bus.id}`)[0]!.address;

it("passes frames of watched servers to the processes whose browsers watch, once, and tells nobody else", async () => {
  const [a, b, c] = [await start(["web", "gateway"]), await start(["web", "gateway"]), await start(["gateway"])];
  const [watched, other] = [crypto.randomUUID(), crypto.randomUUID()];
  a.bus.emit("live.watchers", { serverId: watched, watchers: 1 });
  a.bus.emit("live.watchers", { serverId: watched, watchers: 2 });
  await expect.poll(() => [b.watchers, c.watchers]).toEqual([[[watched, 1]], [[watched, 1]]]);
  // Both watch, so that a frame which were passed on would go round for ever.
  b.bus.emit("live.watchers", { serverId: watched, watchers: 1 });
  await expect.poll(() => a.watchers).toEqual([[watched, 1]]);
  for (const serverId of [watched, other]) b.bus.emit("live.frame", frame(serverId, serverId === watched ? 1 : 2));
  c.bus.emit("live.frame", frame(watched, 3));
  await expect.poll(() => a.frames.toSorted((x, y) => x - y)).toEqual([1, 3]);
  await expect.poll(() => b.frames).toEqual([1, 2, 3]);
  expect(c.frames).toEqual([3]);
  a.bus.emit("live.watchers", { serverId: watched, watchers: 0 });
  await expect.poll(() => c.watchers.at(-1)).toEqual([watched, 0]);
});

it("gives whoever joins later the seconds that were, and survives large ones", async () => {
  const [gateway, first, second] = [await start(["gateway"]), await start(["web"]), await start(["web"])];
  const id = crypto.randomUUID();
  first.bus.emit("live.watchers", { serverId: id, watchers: 1 });
  await expect.poll(() => gateway.watchers.length).toBe(1);
  gateway.bus.emit("live.history", { serverId: id, frames: [frame(id, 1), frame(id, 2)] });
  gateway.bus.emit("live.frame", frame(id, 3, "x".repeat(200_000)));
  await expect.poll(() => first.frames).toEqual([3]);
  second.bus.emit("live.watchers", { serverId: id, watchers: 1 });
  await expect.poll(() => second.history).toEqual([[1, 2, 3]]);
});

it("takes a process's watchers away when it goes, and finds a gateway that comes later", async () => {
  const web = await start(["web"]);
  const id = crypto.randomUUID();
  web.bus.emit("live.watchers", { serverId: id, watchers: 1 });
  const gateway = await start(["gateway"]);
  await expect.poll(() => gateway.watchers).toEqual([[id, 1]]);
  await web.stop();
  await expect
    .poll(() => gateway.watchers)
    .toEqual([
      [id, 1],
      [id, 0],
    ]);
  const rows = await ctx.sql`select id from controllers`;
  expect(rows.map((row) => row["id"] as string)).toEqual([gateway.bus.id]);
});

it("removes controllers that no longer say that they are there", async () => {
  const dead = crypto.randomUUID();
  await ctx.sql`insert into controllers values (${dead}, 'gone', '{web}', '0', null, now(), now() - interval '50 seconds')`;
  const a = await start(["web"]);
  expect((await ctx.sql`select id from controllers`).map((row) => row["id"] as string)).toEqual([a.bus.id]);
});

it("lets in nobody without the installation's key, and nobody who looks for another controller", async () => {
  const gateway = await start(["gateway"]);
  const address = await addressOf(gateway.bus);
  const key = sharedKey(ctx.masterKey, ctx.installation.id);
  const dial = async (options: object, to = gateway.bus.id) => {
    const socket = new WebSocket(`wss://${address}/frames/${crypto.randomUUID()}/${to}`, options);
    return new Promise<string>((resolve) => {
      socket.on("error", (error) => resolve(error.message));
      socket.on("open", () => {
        resolve("open");
        socket.terminate();
      });
    });
  };
  expect(await dial(clientOptions(key))).toBe("open");
  expect(await dial(clientOptions(sharedKey(createMasterKey(randomBytes(32)), ctx.installation.id)))).toMatch(/alert|disconnected/);
  expect(await dial(clientOptions({ ...key, identity: "other" }))).toMatch(/alert|disconnected/);
  expect(await dial({ rejectUnauthorized: false })).toMatch(/alert|disconnected/);
  expect(await dial(clientOptions(key), crypto.randomUUID())).toMatch(/421/);
  const plain = await fetch(`http://${address}/`).then(
    (response) => response.status,
    () => "refused",
  );
  expect(plain).toBe("refused");
});

it("tells no server that has a certificate instead of the key, even one that this machine trusts", async () => {
  const ca = await createTestCa();
  const { keyPem, certPem } = await ca.issue("controller.test", "server");
  const before = tls.getCACertificates("default");
  tls.setDefaultCACertificates([...before, ca.caPem]);
  const said: string[] = [];
  let ended = 0;
  const impostor = tls.createServer({ key: keyPem, cert: certPem }, (socket) => {
    socket.on("data", (data) => said.push(data.toString()));
    socket.on("error", () => socket.destroy());
  });
  impostor.on("connection", (socket) => socket.on("close", () => ended++));
  try {
    await new Promise<void>((resolve) => impostor.listen(0, "127.0.0.1", resolve));
    const { port } = impostor.address() as { port: number };
    const trusting = tls.connect({ port, host: "127.0.0.1", servername: "controller.test" });
    await once(trusting, "secureConnect");
    trusting.destroy();
    const bus = createBus(() => undefined);
    const client = followFrames({ bus, key: sharedKey(ctx.masterKey, ctx.installation.id), log: ctx.log.child({}, { level: "silent" }) });
    client.follow([{ id: crypto.randomUUID(), hostname: "x", roles: ["gateway"], internalAddress: `127.0.0.1:${port}` }]);
    bus.emit("live.watchers", { serverId: crypto.randomUUID(), watchers: 1 });
    // It gives up and dials again.
    await expect.poll(() => ended > 2 || said.length > 0, { timeout: 60_000 }).toBe(true);
    expect([said, client.connected]).toEqual([[], 0]);
    client.close();
  } finally {
    tls.setDefaultCACertificates(before);
    impostor.close();
  }
});
