import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { testDatabase } from "../../testing/database.ts";
import { createLog } from "../log/index.ts";
import { createClient, type DatabaseTarget } from "./client.ts";
import { createConnections } from "./connections.ts";
import { socketPath } from "./embedded/settings.ts";
import { databaseUnavailable } from "./errors.ts";
import { watchDatabase } from "./watch.ts";

/** A network before the database that can swallow everything without ending a connection. */
async function startNetwork(to: DatabaseTarget) {
  const sockets = new Set<Socket>();
  let silent = false;
  const server: Server = createServer((near) => {
    const far =
      "url" in to ? connect(Number(new URL(to.url).port || 5432), new URL(to.url).hostname) : connect(socketPath(to.socketFolder));
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.on("data", (bytes) => silent || other.write(bytes));
      socket.on("error", () => undefined); // ended by the test
      socket.on("close", () => other.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    silence: (on: boolean) => (silent = on),
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

let database: Awaited<ReturnType<typeof testDatabase>>;
let network: Awaited<ReturnType<typeof startNetwork>>;
beforeAll(async () => {
  database = await testDatabase();
  network = await startNetwork(database.directTarget);
});
afterAll(async () => {
  network.close();
  await database.close();
});

test("a database that falls silent: what was asked and what is asked then fails, until it answers again", async () => {
  const inner = database.directTarget;
  const url =
    "url" in inner
      ? Object.assign(new URL(inner.url), { host: `127.0.0.1:${network.port}` }).href
      : `postgres://devflow@127.0.0.1:${network.port}/${inner.database}`;
  const connections = createConnections();
  const sql = createClient({ url }, { connections });
  const watch = watchDatabase({ target: { url }, connections, log: createLog("silent"), everyMs: 50, answerMs: 300 });
  try {
    expect(await sql`select 1 as one`).toEqual([{ one: 1 }]);
    // Slow is not silent.
    expect(await sql`select pg_sleep(1.2)`).toHaveLength(1);
    expect(watch.health().state).toBe("ok");

    network.silence(true);
    const waiting = await sql`select 1`.catch((error: unknown) => error);
    expect(databaseUnavailable(waiting)?.code).toBe("unavailable");
    expect(watch.health().state).toBe("unavailable");
    const asked = await Promise.all(Array.from({ length: 20 }, () => sql`select 1`.catch((error: unknown) => error)));
    for (const error of asked) expect(databaseUnavailable(error)?.code).toBe("unavailable");
    await expect(sql.begin((tx) => tx`select 1`)).rejects.toMatchObject({ code: "ETIMEDOUT" });

    network.silence(false);
    await expect.poll(() => watch.health().state, { timeout: 60_000 }).toBe("ok");
    await expect.poll(() => sql`select 1 as one`.catch(() => null), { timeout: 60_000 }).toEqual([{ one: 1 }]);
  } finally {
    await watch.close();
    await sql.end({ timeout: 1 });
  }
});
