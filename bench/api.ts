// GET /api/v1/servers?limit=100 over 10,000 servers, from a controller bundle pinned to one core, beside a bare
// node:http server that sends the same bytes; then what a token's check and the decision cost.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import autocannon from "autocannon";
import { createClient, embeddedTarget } from "../controller/src/platform/db/client.ts";
import type { Sql } from "../controller/src/platform/db/index.ts";
import { buildParts } from "../scripts/build.ts";
import { staleParts } from "../scripts/build-state.mjs";
import { fillServers } from "./_fill-servers.ts";
import { usageOf } from "./_process-usage.ts";
import { endRunning, firstMatch, type Running, socketFolderOf, startWebController } from "./_web-controller.ts";

const seconds = Number(process.env["DEVFLOW_BENCH_SECONDS"] ?? 10);
const servers = 10_000;
const path = "/api/v1/servers?limit=100";
const core = "0";

interface Load {
  readonly answersPerSecond: number;
  /** Of the server's process, all threads: what does not change with the machine's other work. */
  readonly cpuMsPerAnswer: number;
  /** What one core would give if nobody else were at it. */
  readonly answersPerCpuSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly waitedForCpuShare: number;
}

export async function run(): Promise<object> {
  await buildParts(staleParts());
  const dataDir = await mkdtemp(join(tmpdir(), "devflow-bench-"));
  const token = randomBytes(32).toString("hex");
  const controller = await startWebController(dataDir, token, core);
  let bare: Running | undefined;
  const sql = createClient(embeddedTarget(await socketFolderOf(dataDir)), { max: 2 });
  try {
    const [organization] = await sql<{ id: string }[]>`select id from organizations limit 1`;
    await fillServers(sql, organization!.id, servers);
    const headers = { authorization: `Bearer ${token}` };
    const answer = await fetch(controller.url + path, { headers });
    const body = Buffer.from(await answer.arrayBuffer());
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${body.toString()}`);
    bare = await startBare(dataDir, body);
    await load(controller, path, headers, 3);
    const list = await load(controller, path, headers, seconds);
    const peer = await load(bare, "/", {}, seconds);
    const compressed = await load(controller, path, { ...headers, "accept-encoding": "gzip" }, seconds);
    const unchanged = await load(controller, path, { ...headers, "if-none-match": "*" }, seconds);
    const open = await load(controller, "/healthz", {}, seconds);
    const me = await load(controller, "/api/v1/tokens?limit=1&search=nothing", headers, Math.min(5, seconds));
    return {
      servers,
      bytes: body.length,
      loadAverage: loadavg()[0],
      list,
      bareNodeHttp: peer,
      ofBareNodeHttp: peer.cpuMsPerAnswer / list.cpuMsPerAnswer,
      compressed,
      unchanged,
      probeWithoutAnybody: open,
      uncachedSmallList: me,
      changeVisibleMs: await changeVisible(controller, headers, sql),
      check: await checkCost(controller, headers),
    };
  } finally {
    await sql.end();
    for (const running of [controller, bare]) await endRunning(running);
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** The least that Node can do: the same bytes and headers, nobody asked. */
async function startBare(dataDir: string, body: Buffer): Promise<Running> {
  const [script, bytes] = [join(dataDir, "bare.mjs"), join(dataDir, "bare.json")];
  await writeFile(bytes, body);
  await writeFile(
    script,
    `import { createServer } from "node:http"; import { readFileSync } from "node:fs";
const body = readFileSync(${JSON.stringify(bytes)});
const server = createServer((_, response) => { response.writeHead(200, { "content-type": "application/json", "content-length": body.length }); response.end(body); });
server.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ web: server.address().port })));`,
  );
  const child = spawn("taskset", ["-c", core, process.execPath, script], { stdio: ["ignore", "pipe", "inherit"] });
  return { url: `http://127.0.0.1:${await firstMatch(child, /"web":(\d+)/)}`, child };
}

async function load({ url, child }: Running, at: string, headers: Record<string, string>, duration: number): Promise<Load> {
  const before = usageOf(child.pid!);
  const result = await autocannon({ url: url + at, headers, connections: 32, duration });
  const after = usageOf(child.pid!);
  const answers = result.requests.total;
  const bad = result.errors + result.timeouts + result["4xx"] + result["5xx"];
  if (bad > 0) throw new Error(`${at}: ${bad} of ${answers} requests failed`);
  const cpu = after.cpuSeconds - before.cpuSeconds;
  return {
    answersPerSecond: Math.round(result.requests.average),
    cpuMsPerAnswer: (cpu * 1000) / answers,
    answersPerCpuSecond: Math.round(answers / cpu),
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
    waitedForCpuShare: (after.waitedSeconds - before.waitedSeconds) / ((after.atMs - before.atMs) / 1000),
  };
}

/** Milliseconds from a commit by somebody else until the list, under load, shows it; the worst of ten. */
async function changeVisible({ url }: Running, headers: Record<string, string>, sql: Sql): Promise<number> {
  const running = autocannon({ url: url + path, headers, connections: 16, duration: 12 });
  let worst = 0;
  await delay(1_000);
  for (let i = 0; i < 10; i++) {
    const name = `0-changed-${i}`;
    await sql`update servers set name = ${name} where id = (select id from servers order by lower(name), id limit 1)`;
    const begun = performance.now();
    while (!(await (await fetch(url + path, { headers })).text()).includes(name)) await delay(5);
    worst = Math.max(worst, performance.now() - begun);
    await delay(300);
  }
  await running;
  return Math.round(worst);
}

/** Milliseconds that identifying, counting and deciding took inside the controller at 1,000 requests a second. */
async function checkCost({ url }: Running, headers: Record<string, string>): Promise<object> {
  const read = async () => {
    const text = await (await fetch(`${url}/metrics`, { headers })).text();
    return [...text.matchAll(/^devflow_http_check_seconds_bucket\{le="([^"]+)"\} (\d+)/gm)].map(([, le, n]) => [
      Number(le === "+Inf" ? Infinity : le),
      Number(n),
    ]);
  };
  const before = await read();
  const result = await autocannon({ url: url + path, headers, connections: 8, overallRate: 1_000, duration: seconds });
  const counts = (await read()).map(([le, n], i) => [le!, n! - before[i]![1]!] as const);
  const total = counts.at(-1)?.[1] ?? 0;
  const share = (below: number) => (counts.find(([le]) => le === below)?.[1] ?? 0) / total;
  const at = (quantile: number) => (counts.find(([, n]) => n >= total * quantile)?.[0] ?? Infinity) * 1000;
  return {
    requestsPerSecond: Math.round(result.requests.average),
    p50MsAtMost: at(0.5),
    p95MsAtMost: at(0.95),
    p99MsAtMost: at(0.99),
    within0_3Ms: share(0.0003),
  };
}
