// What events cost, from the bundle pinned to one core: 10,000 servers that come back at once, changes by eight writers
// (each with its audit row and event), 50 webhooks x 1,000 events, then with some that are dead, and 1,000 streams at 50
// events a second: 90 s in all. Asked for by name only: "unread", 200 readers that never read for a minute.
// CPU time is what counts; latencies only on a quiet machine.
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { createClient, embeddedTarget } from "../controller/src/platform/db/client.ts";
import { chainAudit } from "../controller/src/platform/audit/chain.ts";
import { serverEventsSql } from "../controller/src/platform/events/index.ts";
import { buildParts } from "../scripts/build.ts";
import { staleParts } from "../scripts/build-state.mjs";
import { ask, type Bench, cost, writers } from "./_event-load.ts";
import { streams, unread } from "./_event-streams.ts";
import { fillServers } from "./_fill-servers.ts";
import { endRunning, postmasterOf, socketFolderOf, startWebController } from "./_web-controller.ts";
import { webhooks } from "./_webhook-load.ts";

const size = Number(process.env["DEVFLOW_BENCH_SHARE"] ?? 1);
const servers = 10_000 * size;
const seconds = 10;
const parts = { comeBack, changes, webhooks, streams, unread };
/** Which parts to run. */
const wanted = (process.env["DEVFLOW_BENCH_PARTS"] ?? "comeBack,changes,webhooks,streams").split(",");

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
      size,
      async change(writer, description = `${n++}`) {
        await ask(bench, "PATCH", `/api/v1/groups/${groups[writer % writers]!.id}`, { description });
      },
    };
    const figures: Record<string, unknown> = { loadAverage: loadavg()[0] };
    for (const [name, part] of Object.entries(parts)) if (wanted.includes(name)) figures[name] = await part(bench);
    return figures;
  } finally {
    await sql.end();
    await endRunning(controller);
    await rm(dataDir, { recursive: true, force: true });
  }
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
