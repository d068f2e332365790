// How long a chart of one server takes in the controller: 6 metrics, at most 300 points, ranges from 5 minutes to
// 7 days anywhere in 7 days stored, on the embedded PostgreSQL as it is shipped.
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { columnsOf, familyByName, type Family } from "@devflow/catalogue";
import { readConfig } from "../controller/src/config.ts";
import { prepareStorage } from "../controller/src/features/metrics/storage/index.ts";
import { ensurePartitions } from "../controller/src/features/metrics/storage/partitions.ts";
import { rollUp } from "../controller/src/features/metrics/storage/roll-up.ts";
import { queryMetrics } from "../controller/src/features/metrics/query-metrics.ts";
import { ensureInstallation, migrate, openDatabase, type Sql } from "../controller/src/platform/db/index.ts";
import { createLog } from "../controller/src/platform/log/index.ts";

const servers = Number(process.env["DEVFLOW_BENCH_SERVERS"] ?? 10);
const days = 7;
const queries = 600;
const metrics = "host.cpu_busy,host.memory_used,host.load_1,disk.utilisation,network.receive,network.transmit";
/** What the buttons of the server page ask for, and what lies between. */
const rangesS = [300, 3600, 6 * 3600, 86_400, 3 * 86_400, 7 * 86_400];

export async function run({ json }: { readonly json: boolean }): Promise<object> {
  const say = (text: string): void => void (json ? process.stderr : process.stdout).write(`${text}\n`);
  const log = createLog("error");
  const dataDir = await mkdtemp(join(tmpdir(), "devflow-bench-"));
  const config = readConfig({ DEVFLOW_DATA_DIR: dataDir });
  const database = await openDatabase(
    { ...config, databaseUrl: process.env["DEVFLOW_BENCH_DATABASE_URL"] ?? null, databaseDirectUrl: null },
    log,
  );
  try {
    const { sql } = database;
    await migrate({ target: database.directTarget, log });
    const { storageEngine } = await ensureInstallation({ target: database.directTarget, log });
    const nowMs = Math.floor(Date.now() / 60_000) * 60_000;
    await prepareStorage({ sql, storageEngine, retention: config.retention, nowMs });
    await store(sql, nowMs, storageEngine === "plain");
    say(`${servers} servers × ${days} days of 10-second rows stored (${storageEngine})`);
    await rollUp({ sql, nowMs });
    await sql`vacuum analyze`;
    const ctx = { sql, config, clock: { now: () => nowMs } };
    const took: number[] = [];
    for (let i = -60; i < queries; i++) {
      const rangeMs = (rangesS[Math.abs(i) % rangesS.length] as number) * 1000;
      const toMs = nowMs - Math.random() * (days * 86_400_000 - rangeMs);
      const input = {
        serverId: randomUUID(),
        serverNo: 1 + (Math.abs(i) % servers),
        from: new Date(toMs - rangeMs).toISOString(),
        to: new Date(toMs).toISOString(),
        metrics,
        maxPoints: 300,
      };
      const started = performance.now();
      const result = await queryMetrics({ ctx, input });
      if (result.series.length === 0) throw new Error(`no series for ${JSON.stringify(input)}`);
      // The first ones fill caches of plans and pages.
      if (i >= 0) took.push(performance.now() - started);
    }
    took.sort((a, b) => a - b);
    const at = (share: number): number => Math.round((took[Math.floor(took.length * share)] as number) * 100) / 100;
    return { p50Ms: at(0.5), p95Ms: at(0.95), servers, days, queries, peers: {} };
  } finally {
    await database.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** Rows in the order in which gateways write them: by time, then server; a day at once. */
async function store(sql: Sql, nowMs: number, isPlain: boolean): Promise<void> {
  const fromMs = nowMs - days * 86_400_000;
  if (isPlain) await ensurePartitions(sql, new Date(fromMs), new Date(nowMs));
  for (const [name, instances] of [
    ["host", 0],
    ["disk", 2],
    ["network", 2],
  ] as const) {
    const family = familyByName(name) as Family;
    const columns = columnsOf(family);
    for (let day = 0; day < days; day++) {
      await sql.unsafe(`insert into metric_${name}_10s (server_no, instance_no, time, samples, ${columns.map((c) => `"${c.name}"`).join(", ")})
        select s, i, t, 10, ${columns.map((_, c) => `(random() * ${1000 + 37 * c})::int`).join(", ")}
        from generate_series(to_timestamp(${fromMs / 1000 + day * 86_400}), to_timestamp(${fromMs / 1000 + (day + 1) * 86_400 - 10}), interval '10 seconds') t,
          generate_series(1, ${servers}) s, generate_series(${Math.min(1, instances)}, ${instances}) i order by t, s, i`);
    }
  }
  const hour = new Date(Math.floor(fromMs / 3_600_000) * 3_600_000);
  await sql`update metric_rollup_state set late_before = ${hour}, minute_until = ${hour}, hour_until = ${hour}`;
}
