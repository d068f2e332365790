import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { Agent, request } from "node:http";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { columnsOf, families, readCells } from "@devflow/catalogue";
import { createWalk } from "./_synthetic.ts";

const binary = "/usr/bin/victoria-metrics";
const connections = 4;

/**
 * The same values written to VictoriaMetrics (Debian's package) over its JSON import, a request for each server and
 * stretch of 100 intervals. It answers before anything is synced to disk, which makes the comparison kind to it.
 * @returns null when it is not installed
 */
export async function victoriaMetricsValuesPerSecond(servers: number, batchesEach: number): Promise<number | null> {
  if (!existsSync(binary)) return null;
  const data = mkdtempSync(join(tmpdir(), "devflow-bench-vm-"));
  const port = await freePort();
  const child = spawn(binary, [`-storageDataPath=${data}`, `-httpListenAddr=127.0.0.1:${port}`, "-retentionPeriod=1"], { stdio: "ignore" });
  try {
    let values = 0;
    const bodies: Buffer[] = [];
    for (let server = 0; server < servers; server++) {
      const walk = createWalk(server + 1);
      for (let from = 0; from < batchesEach; from += 100) {
        const made = bodyOf(walk, server, from, Math.min(100, batchesEach - from));
        values += made.values;
        bodies.push(made.body);
      }
    }
    const agent = new Agent({ keepAlive: true, maxSockets: connections });
    for (let tries = 0; tries < 100 && !(await post(agent, port, Buffer.from("")).catch(() => false)); tries++)
      await new Promise((resolve) => setTimeout(resolve, 100));
    const begun = performance.now();
    await Promise.all(
      Array.from({ length: connections }, async () => {
        for (let body = bodies.pop(); body !== undefined; body = bodies.pop()) {
          if (!(await post(agent, port, body))) throw new Error("VictoriaMetrics refused an import");
        }
      }),
    );
    const seconds = (performance.now() - begun) / 1000;
    agent.destroy();
    return Math.round(values / seconds);
  } finally {
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
    rmSync(data, { recursive: true, force: true });
  }
}

function bodyOf(walk: ReturnType<typeof createWalk>, server: number, from: number, count: number): { body: Buffer; values: number } {
  const series = new Map<string, { values: number[]; timestamps: number[] }>();
  const nowS = Math.floor(Date.now() / 10_000) * 10;
  let total = 0;
  for (let i = 0; i < count; i++) {
    const timestamp = (nowS - (from + i) * 10) * 1000;
    const batch = walk(from + i + 1, timestamp / 1000);
    batch.families.forEach((rows, f) => {
      const family = families[f] as (typeof families)[number];
      const columns = columnsOf(family);
      const cells = new Float64Array(columns.length * rows.instances.length);
      readCells(rows.cells, cells);
      rows.instances.forEach((instance, row) =>
        columns.forEach((column, c) => {
          if (column.aggregate === "max") return;
          const key = JSON.stringify({ __name__: `${family.name}_${column.name}`, server: String(server), instance });
          const one = series.get(key) ?? { values: [], timestamps: [] };
          series.set(key, one);
          one.values.push((cells[row * columns.length + c] as number) * column.measure.step);
          one.timestamps.push(timestamp);
          total++;
        }),
      );
    });
  }
  const lines = [...series].map(
    ([metric, { values, timestamps }]) =>
      `{"metric":${metric},"values":${JSON.stringify(values)},"timestamps":${JSON.stringify(timestamps)}}`,
  );
  return { body: Buffer.from(`${lines.join("\n")}\n`), values: total };
}

const post = (agent: Agent, port: number, body: Buffer): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const call = request(
      { agent, port, host: "127.0.0.1", method: "POST", path: "/api/v1/import", headers: { "content-length": body.length } },
      (answer) => {
        answer.resume().once("end", () => resolve(answer.statusCode === 204));
      },
    );
    call.once("error", reject);
    call.end(body);
  });

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
