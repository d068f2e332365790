import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { apiClient, startDevFlow } from "@devflow/testkit";
import { buildParts } from "../scripts/build.ts";
import { staleParts } from "../scripts/build-state.mjs";

const warmUp = 5;
const wanted = 120;

/**
 * Milliseconds from the moment the agent read a second's values (its frame says when) to the frame at a WebSocket
 * client, over real processes on one machine. The agent's wall clock is settled over the network and may be off by half
 * a round trip; its file says by how much it sets the monotonic clock off, which both processes share.
 */
export async function run(): Promise<{ frames: number; p50Ms: number; p99Ms: number }> {
  await buildParts(staleParts());
  const token = randomBytes(32).toString("hex");
  const devflow = await startDevFlow({ env: { DEVFLOW_BOOTSTRAP_TOKEN: token } });
  try {
    const client = apiClient(devflow.url, token);
    let server: { id: string } | undefined;
    for (let tries = 0; server === undefined && tries < 600; tries++) {
      [server] = (await client.get<{ items: { id: string }[] }>("/api/v1/servers")).items;
      if (server === undefined) await delay(100);
    }
    if (server === undefined) throw new Error("this machine never appeared");
    const clockFile = join(devflow.dataDir, "local-agent/state/clock.json");
    const latencies: number[] = [];
    const stop = await client.follow(`server:${server.id}`, (message) => {
      const arrivedMs = Number(process.hrtime.bigint()) / 1e6;
      if (message.type !== "frame" || message.timeMs === undefined) return;
      const { offsetMs } = JSON.parse(readFileSync(clockFile, "utf8")) as { offsetMs: number };
      latencies.push(arrivedMs + offsetMs - message.timeMs);
    });
    const deadline = Date.now() + (wanted + warmUp) * 1500;
    while (latencies.length < wanted + warmUp && Date.now() < deadline) await delay(500);
    stop();
    if (latencies.length < wanted) throw new Error(`expected ${wanted} frames, got ${latencies.length}`);
    const sorted = latencies.slice(warmUp).sort((a, b) => a - b);
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
    return { frames: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99) };
  } finally {
    await devflow.stop();
  }
}
