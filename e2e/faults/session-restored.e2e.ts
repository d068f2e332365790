import { chown, cp, lchown, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { type AgentProcess, startAgentProcess } from "../agent-process.ts";
import { type ControllerProcess, startController } from "../controller-process.ts";

interface ServerView {
  readonly id: string;
  readonly state: string;
}

let controller: ControllerProcess | null = null;
const agents: AgentProcess[] = [];
afterEach(async () => {
  for (const agent of agents.splice(0)) await agent.remove();
  await controller?.stop();
});

it("a database put back to an older state: who is in it goes on, who came later waits for a person", { timeout: 180_000 }, async () => {
  const devflow = await startController({ agents: 1 });
  controller = devflow;
  const stateOf = async (id: string) =>
    (await devflow.api.get<{ items: ServerView[] }>("/api/v1/servers")).items.find((s) => s.id === id)?.state;
  const becomes = async (id: string, state: string) => {
    await expect.poll(() => stateOf(id), { timeout: 40_000 }).toBe(state);
  };
  const [known] = devflow.identities;
  if (known === undefined) throw new Error("no identity");
  agents.push(await startAgentProcess(devflow, known));
  await becomes(known.agentId, "online");

  // The backup: a copy of the stopped database.
  await devflow.end("SIGTERM");
  const data = join(devflow.dataDir, "postgresql/data");
  const backup = join(devflow.dataDir, "backup");
  await cp(data, backup, { recursive: true, preserveTimestamps: true });
  const [later] = await devflow.enrol(1);
  if (later === undefined) throw new Error("no identity");
  await devflow.start();
  const newcomer = await startAgentProcess(devflow, later);
  agents.push(newcomer);
  await becomes(later.agentId, "online");

  // Back to before the newcomer.
  await devflow.end("SIGTERM");
  await putBack(backup, data);
  expect(await devflow.admin("after-restore")).toContain("in epoch 2 now");
  await devflow.start();
  await becomes(known.agentId, "online");
  await becomes(later.agentId, "quarantined");
  await expect.poll(() => newcomer.output(), { timeout: 60_000 }).toContain("does not know this server yet");
  // The rest goes on: its rows are stored.
  const sql = await devflow.sql();
  const rowsOf = async (id: string) =>
    (await sql<{ n: number }[]>`select count(*)::int as n from metric_host_10s m join servers s using (server_no) where s.id = ${id}`)[0]
      ?.n;
  const before = (await rowsOf(known.agentId)) ?? 0;
  await expect.poll(() => rowsOf(known.agentId), { timeout: 25_000 }).toBeGreaterThan(before);
  expect(await rowsOf(later.agentId)).toBe(0);
  await sql.end();
});

/** Takes the folder's place with owner and mode as they were. */
async function putBack(backup: string, data: string): Promise<void> {
  const { uid, gid } = await stat(data);
  for (const name of await readdir(backup, { recursive: true })) await lchown(join(backup, name), uid, gid);
  await chown(backup, uid, gid);
  await rm(data, { recursive: true });
  await rename(backup, data);
}
