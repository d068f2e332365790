import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { testDatabase } from "../../testing/database.ts";
import { createLog } from "../log/index.ts";
import { type DatabaseTarget, databaseUnavailable, openDatabase, type OpenDatabase } from "./index.ts";

const log = createLog("silent");
let real: OpenDatabase;
beforeAll(async () => {
  real = await testDatabase();
});
afterAll(() => real.close());

/** A way to the database over TCP that can be cut and opened again on the same port. */
let server: Server | null = null;
const sockets = new Set<Socket>();
function open(port: number): Promise<number> {
  const target: DatabaseTarget = real.directTarget;
  const backend = () =>
    "url" in target
      ? connect({ host: new URL(target.url).hostname, port: Number(new URL(target.url).port || 5432) })
      : connect(`${target.socketFolder}/.s.PGSQL.5432`);
  const listener = createServer((client) => {
    const upstream = backend();
    sockets.add(client);
    for (const [a, b] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      a.pipe(b);
      a.on("error", () => b.destroy()).on("close", () => {
        b.destroy();
        sockets.delete(client);
      });
    }
  });
  server = listener;
  return new Promise((resolve) => listener.listen(port, "127.0.0.1", () => resolve((listener.address() as AddressInfo).port)));
}
async function cut(): Promise<void> {
  const closed = new Promise((resolve) => server?.close(resolve));
  for (const socket of sockets) socket.resetAndDestroy();
  await closed;
}
afterEach(() => cut());

const urlOf = (port: number): string => {
  const target = real.directTarget;
  if (!("url" in target)) return `postgres://devflow@127.0.0.1:${port}/${target.database}`;
  const url = new URL(target.url);
  url.host = `127.0.0.1:${port}`;
  return url.href;
};
const openAt = (port: number) => openDatabase({ dataDir: "/nowhere", databaseUrl: urlOf(port), databaseDirectUrl: null }, log);

it("waits for a database that is not there yet", async () => {
  const port = await open(0);
  await cut();
  let opened = false;
  const opening = openAt(port).then((database) => {
    opened = true;
    return database;
  });
  await sleep(700);
  expect(opened).toBe(false);
  await open(port);
  const database = await opening;
  expect(await database.sql`select 1 as one`).toEqual([{ one: 1 }]);
  await database.close();
});

it("fails quickly while the database is away, with reset connections too, and recovers by itself", async () => {
  const port = await open(0);
  const database = await openAt(port);
  const slow = Promise.allSettled(Array.from({ length: 10 }, () => database.sql`select pg_sleep(20)`));
  await sleep(300);
  await cut();
  const outcomes = await slow;
  expect(outcomes.map((o) => (o.status === "rejected" ? databaseUnavailable(o.reason)?.code : "settled"))).toEqual(
    Array.from({ length: 10 }, () => "unavailable"),
  );
  for (let i = 0; i < 20; i++) {
    const error = await database.sql`select 1`.catch((e: unknown) => e);
    expect(databaseUnavailable(error)?.code).toBe("unavailable");
  }
  await open(port);
  await expect
    .poll(
      () =>
        database.sql`select 1 as one`.then(
          (rows) => rows[0]?.["one"] as number,
          () => 0,
        ),
      { timeout: 60_000 },
    )
    .toBe(1);
  // All connections of the pool, not only one.
  const all = await Promise.all(Array.from({ length: 20 }, () => database.sql`select 1 as one, pg_sleep(0.05)`));
  expect(all).toHaveLength(20);
  await database.close();
});

it("says at once what is wrong when the server refuses", async () => {
  const port = await open(0);
  const url = new URL(urlOf(port));
  url.pathname = "/no_such_database";
  await expect(openDatabase({ dataDir: "/nowhere", databaseUrl: url.href, databaseDirectUrl: null }, log)).rejects.toMatchObject({
    code: "precondition_failed",
    message: expect.stringMatching(/no_such_database.*Check user, password, database name/) as string,
  });
});
