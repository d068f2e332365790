import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { apiClient, processTree, pssMb, rssMb, startDevFlow } from "@devflow/testkit";
import { buildParts } from "../scripts/build.ts";
import { staleParts } from "../scripts/build-state.mjs";

const idleSeconds = 60;
const giveUpMs = 60_000;

/**
 * `npm start` on a fresh data directory (the parts are built, the administrator is given by settings): seconds until a
 * client has the first live value of this machine, then memory after a minute with nobody watching.
 */
export async function run(): Promise<{ firstValueSeconds: number; nodeRssMb: number; postgresPssMb: number }> {
  await buildParts(staleParts());
  const token = randomBytes(32).toString("hex");
  const env = {
    DEVFLOW_BOOTSTRAP_TOKEN: token,
    DEVFLOW_ADMIN_EMAIL: "bench@example.com",
    DEVFLOW_ADMIN_PASSWORD: randomBytes(16).toString("hex"),
  };
  const began = performance.now();
  const devflow = await startDevFlow({ env });
  try {
    const stopFollowing = await firstLiveValue(devflow.url, token, began);
    const firstValueSeconds = (performance.now() - began) / 1000;
    stopFollowing();
    await delay(idleSeconds * 1000);
    const postmaster = Number((await readFile(join(devflow.dataDir, "postgresql/data/postmaster.pid"), "utf8")).split("\n")[0]);
    const shares = await Promise.all((await processTree(postmaster)).map(pssMb));
    return { firstValueSeconds, nodeRssMb: await rssMb(devflow.pid), postgresPssMb: shares.reduce((sum, share) => sum + share, 0) };
  } finally {
    await devflow.stop();
  }
}

/** Waits for a frame with a measured CPU share; gives what stops the watching. */
async function firstLiveValue(url: string, token: string, began: number): Promise<() => void> {
  const client = apiClient(url, token);
  for (;;) {
    const { items } = await client.get<{ items: { id: string }[] }>("/api/v1/servers");
    const [server] = items;
    if (server !== undefined) {
      return await new Promise((resolve, reject) => {
        const late = setTimeout(() => reject(new Error("no live value came")), giveUpMs);
        const following = client.follow(`server:${server.id}`, ({ type, rows }) => {
          if (type !== "frame" || !rows?.some(({ family, values }) => family === "host" && values.some((value) => value !== null))) return;
          clearTimeout(late);
          following.then(resolve, reject);
        });
      });
    }
    if (performance.now() - began > giveUpMs) throw new Error("this machine never appeared");
    await delay(20);
  }
}
