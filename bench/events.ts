// What events cost, from the bundle pinned to one core: 10,000 servers that come back at once, changes by eight writers
// (each with its audit row and event), 50 webhooks x 1,000 events, and 1,000 streams of which ten never read.
// CPU time is what counts; latencies only on a quiet machine.
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { Agent, createServer, type IncomingMessage, request } from "node:http";
import type { AddressInfo } from "node:net";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { apiClient, processTree } from "@devflow/testkit";
import { createClient, embeddedTarget } from "../controller/src/platform/db/client.ts";
import type { Sql } from "../controller/src/platform/db/index.ts";
import { chainAudit } from "../controller/src/platform/audit/chain.ts";
import { serverEventsSql } from "../controller/src/platform/events/index.ts";
import { buildParts } from "../scripts/build.ts";
import { staleParts } from "../scripts/build-state.mjs";
import { fillServers } from "./_fill-servers.ts";
import { usageOf } from "./_process-usage.ts";
import { endRunning, postmasterOf, type Running, socketFolderOf, startWebController } from "./_web-controller.ts";

const size = Number(process.env["DEVFLOW_BENCH_SHARE"] ?? 1);
const servers = 10_000 * size;
/** Which parts to run; default all. */
const wanted = process.env["DEVFLOW_BENCH_PARTS"]?.split(",");
const webhooks = 50;
const events = 1_000 * size;
const streams = 1_000 * size;
const unread = 10;
const writers = 8;
const seconds = 10;

const agent = new Agent({ keepAlive: true });

interface Bench {
  readonly controller: Running;
  readonly token: string;
  readonly sql: Sql;
  readonly postmaster: number;
  /** Changes the n-th writer's group once: one transaction with audit row and event. */
  change(writer: number): Promise<void>;
}

export async function run(): Promise<object> {
  await buildParts(staleParts());
  const dataDir = await mkdtemp(join(tmpdir(), "devflow-bench-"));
  const token = randomBytes(32).toString("hex");
  const controller = await startWebController(dataDir, token, "0");
  const sql = createClient(embeddedTarget(await socketFolderOf(dataDir)), { max: 4 });
  try {
    const [organization] = await sql<{ id: string }[]>`select id from organizations limit 1`;
    await fillServers(sql, organization!.id, servers);
    const groups = await sql<{ id: string }[]>`select id from server_groups order by name limit ${writers}`;
    let n = 0;
    const bench: Bench = {
      controller,
      token,
      sql,
      postmaster: await postmasterOf(dataDir),
      async change(writer) {
        await ask(bench, "PATCH", `/api/v1/groups/${groups[writer % writers]!.id}`, { description: `${n++}` });
      },
    };
    const figures: Record<string, unknown> = { loadAverage: loadavg()[0] };
    const parts = { comeBack, changes, webhooks: deliveries, streams: following };
    for (const [name, part] of Object.entries(parts)) if (wanted === undefined || wanted.includes(name)) figures[name] = await part(bench);
    return figures;
  } finally {
    await sql.end();
    await endRunning(controller);
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** Asks the controller by one of a few connections that stay open. Throws Error for any answer but 2xx. */
function ask(bench: Pick<Bench, "controller" | "token">, method: string, path: string, body?: object): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${bench.token}`, ...(body !== undefined && { "content-type": "application/json" }) };
    const sent = request(bench.controller.url + path, { agent, method, headers }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (chunk: string) => void (text += chunk));
      answer.on("end", () => {
        const status = answer.statusCode ?? 0;
        if (status >= 200 && status < 300) resolve(text === "" ? null : JSON.parse(text));
        else reject(new Error(`${method} ${path}: ${status} ${text}`));
      });
    });
    sent.on("error", reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** CPU seconds of the controller and of all processes of the database. */
async function cpu({ controller, postmaster }: Bench): Promise<{ controller: number; database: number }> {
  const backends = await processTree(postmaster);
  const of = (pid: number): number => {
    try {
      return usageOf(pid).cpuSeconds;
    } catch {
      return 0; // Gone meanwhile.
    }
  };
  return { controller: of(controller.child.pid!), database: backends.reduce((sum, pid) => sum + of(pid), 0) };
}

/** Wall time and CPU time of some work that makes `count` of something. */
async function cost(bench: Bench, work: () => Promise<number>) {
  const [before, begun] = [await cpu(bench), performance.now()];
  const count = await work();
  const took = (performance.now() - begun) / 1_000;
  const after = await cpu(bench);
  return {
    count,
    perSecond: Math.round(count / took),
    controllerCpuMsEach: ((after.controller - before.controller) * 1_000) / count,
    databaseCpuMsEach: ((after.database - before.database) * 1_000) / count,
  };
}

/** The events of servers that come back, 500 a statement as sessions are held. */
async function comeBack(bench: Bench): Promise<object> {
  const { sql } = bench;
  const ids = (await sql<{ id: string }[]>`select id from servers`).map(({ id }) => id);
  return cost(bench, async () => {
    for (let i = 0; i < ids.length; i += 500) {
      const some = `{${ids.slice(i, i + 500).join(",")}}`;
      await serverEventsSql({ sql }, "server.online", {}, sql`select unnest(${some}::uuid[])`);
    }
    return ids.length;
  });
}

async function changes(bench: Bench): Promise<object> {
  const until = performance.now() + seconds * 1_000;
  const written = await cost(bench, async () => {
    const counts = await Promise.all(
      Array.from({ length: writers }, async (_, writer) => {
        let count = 0;
        for (; performance.now() < until; count++) await bench.change(writer);
        return count;
      }),
    );
    return counts.reduce((a, b) => a + b);
  });
  const begun = performance.now();
  await chainAudit({ ctx: bench });
  return { writers, ...written, chainedInMs: Math.round(performance.now() - begun) };
}

/** Makes changes by eight writers until there were so many. */
async function changeOften(bench: Bench, times: number): Promise<void> {
  let left = times;
  await Promise.all(
    Array.from({ length: writers }, async (_, writer) => {
      while (left-- > 0) await bench.change(writer);
    }),
  );
}

/** Webhooks at a receiver here; the first one's endpoint takes a second for each answer. */
async function deliveries(bench: Bench): Promise<object> {
  const arrived = Array.from({ length: webhooks }, () => [] as { id: string; atMs: number }[]);
  const underWay = Array.from({ length: webhooks }, () => 0);
  let mostAtOnce = 0;
  const receiver = createServer((received, answer) => {
    const n = Number(received.url!.slice(1));
    mostAtOnce = Math.max(mostAtOnce, ++underWay[n]!);
    received.resume();
    received.on("end", () => {
      setTimeout(
        () => {
          underWay[n]!--;
          arrived[n]!.push({ id: String(received.headers["webhook-id"]), atMs: performance.now() });
          answer.end();
        },
        n === 0 ? 1_000 : 0,
      );
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  // The administrator's session sets this; here the row itself.
  await bench.sql`insert into settings (key, value) values ('outgoing', ${bench.sql.json({ allowed: ["127.0.0.0/8"] })})`;
  const made: string[] = [];
  for (let n = 0; n < webhooks; n++) {
    const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/${n}`;
    const answer = await ask(bench, "POST", "/api/v1/webhooks", { name: `w${n}`, url, types: ["group.updated"] });
    made.push((answer as { webhook: { id: string } }).webhook.id);
  }
  // One event at a time first: how long until the endpoint has it.
  const latencies: number[] = [];
  for (let i = 0; i < 20; i++) {
    const begun = performance.now();
    const before = arrived[1]!.length;
    await bench.change(0);
    while (arrived[1]!.length === before) await delay(1);
    latencies.push(arrived[1]!.at(-1)!.atMs - begun);
    await delay(300);
  }
  const others = () => arrived.slice(1).reduce((sum, list) => sum + list.length, 0);
  const already = others();
  const delivered = await cost(bench, async () => {
    await changeOften(bench, events);
    const due = (webhooks - 1) * (events + latencies.length);
    for (let idle = 0, seen = others(); others() < due;) {
      await delay(50);
      idle = others() === seen ? idle + 1 : 0;
      seen = others();
      if (idle > 600) throw new Error(`${due - seen} deliveries never came`);
    }
    return others() - already;
  });
  const order = arrived[1]!.map(({ id }) => id).join();
  const slow = arrived[0]!.length;
  for (const id of made) await ask(bench, "DELETE", `/api/v1/webhooks/${id}`);
  receiver.closeAllConnections();
  receiver.close();
  return {
    webhooks,
    ...delivered,
    sameOrderEverywhere: arrived.slice(1).every((list) => list.map(({ id }) => id).join() === order),
    eachOnce: arrived.slice(1).every((list) => new Set(list.map(({ id }) => id)).size === list.length),
    mostAtOnceToOne: mostAtOnce,
    toTheSlowOneMeanwhile: slow,
    latencyMs: spread(latencies),
  };
}

async function following(bench: Bench): Promise<object> {
  const rss = () => Math.round(usageOf(bench.controller.child.pid!).rssMb);
  const before = rss();
  const begunAt = new Map<string, number>();
  const latencies: number[] = [];
  let seen = 0;
  const open: IncomingMessage[] = [];
  for (let n = 0; n < streams;) {
    const { secret } = (await ask(bench, "POST", "/api/v1/tokens", { name: `s${n}`, role: "view" })) as { secret: string };
    for (let i = 0; i < 20 && n < streams; i++, n++) {
      const answer = await follow(bench.controller.url, secret);
      open.push(answer);
      if (n < unread) continue; // Never read: what it is sent waits in the system's buffers, then in the table.
      answer.setEncoding("utf8").on("data", (text: string) => {
        for (const [, description] of text.matchAll(/"after":\{[^}]*"description":"(\w+)"/g)) {
          seen++;
          latencies.push(performance.now() - begunAt.get(description!)!);
        }
      });
    }
  }
  await delay(1_000);
  const opened = rss();
  const bySocket: number[] = [];
  const stopFollowing = await apiClient(bench.controller.url, bench.token).follow("events", (message) => {
    const [, description] = /"after":\{[^}]*"description":"(\w+)"/.exec(JSON.stringify(message)) ?? [];
    if (description?.startsWith("one")) bySocket.push(performance.now() - begunAt.get(description)!);
  });
  const [group] = await bench.sql<{ id: string }[]>`select id from server_groups order by name limit 1`;
  const told = async (description: string) => {
    begunAt.set(description, performance.now());
    await ask(bench, "PATCH", `/api/v1/groups/${group!.id}`, { description });
  };
  const reading = streams - unread;
  const oneByOne = await cost(bench, async () => {
    for (let i = 0; i < 20; i++) {
      await told(`one${i}`);
      const end = performance.now() + 5_000;
      while (seen < (i + 1) * reading && performance.now() < end) await delay(5);
      await delay(100);
    }
    return seen;
  });
  const latencyMs = spread(latencies);
  // Many at once: whoever does not read is left behind.
  let most = 0;
  const watching = setInterval(() => void (most = Math.max(most, rss())), 100);
  const many = 300;
  const flood = await cost(bench, async () => {
    const base = seen;
    for (let i = 0; i < many; i += 10) await Promise.all(Array.from({ length: 10 }, (_, k) => told(`many${i + k}`)));
    const end = performance.now() + 60_000;
    while (seen - base < many * reading && performance.now() < end) await delay(20);
    return seen - base;
  }).finally(() => clearInterval(watching));
  stopFollowing();
  for (const stream of open) stream.destroy();
  return {
    streams,
    neverRead: unread,
    rssMb: { before, opened, most },
    latencyMs,
    webSocketLatencyMs: spread(bySocket),
    oneByOne,
    flood,
    floodWanted: many * reading,
  };
}

function follow(url: string, token: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = request(`${url}/api/v1/events/stream`, { agent: false, headers: { authorization: `Bearer ${token}` } });
    sent.on("response", (answer) => {
      answer.on("error", () => "the bench ended it");
      if (answer.statusCode === 200) resolve(answer);
      else reject(new Error(`a stream answered ${answer.statusCode}`));
    });
    sent.on("error", reject);
    sent.end();
  });
}

function spread(values: number[]): object {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => Math.round((sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN) * 10) / 10;
  return { p50: at(0.5), p99: at(0.99), most: at(1) };
}
