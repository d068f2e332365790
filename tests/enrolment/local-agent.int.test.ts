import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readConfig } from "../../controller/src/config.ts";
import { deleteServer } from "../../controller/src/features/enrolment/index.ts";
import { agentUser, spawnNode } from "../../controller/src/features/enrolment/local-agent/run-as.ts";
import { systemPrincipal } from "../../controller/src/platform/auth/system-principal.ts";
import { agentSessions, servers } from "../../controller/src/features/servers/schema.ts";
import { type Controller, startController } from "../../controller/src/main.ts";
import { assets } from "../../controller/src/platform/assets.ts";

const folder = mkdtempSync(join(tmpdir(), "devflow-local-"));
const dataDir = join(folder, "data");
const stateDir = join(dataDir, "local-agent/state");
let settings: Record<string, string>;
let controller: Controller;

const freePort = () =>
  new Promise<string>((resolve) => {
    const server = createServer().listen(0, () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(String(port)));
    });
  });
const start = async () => startController(readConfig(settings));

beforeAll(async () => {
  chmodSync(folder, 0o755); // the database's and the agent's users pass through
  if (!existsSync(join(assets.agent, "devflow-agent.mjs")))
    execFileSync(process.execPath, ["scripts/build.ts", "agent"], { stdio: "ignore" });
  settings = {
    DEVFLOW_DATA_DIR: dataDir,
    DEVFLOW_PORT: "0",
    DEVFLOW_GATEWAY_PORT: await freePort(),
    DEVFLOW_ENROL_PORT: await freePort(),
    DEVFLOW_LOG_LEVEL: "error",
  };
  controller = await start();
});
afterAll(async () => {
  await controller.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Process number of the agent, asked at its own socket; null when none answers. */
const agentPid = () =>
  new Promise<number | null>((resolve) => {
    let text = "";
    const socket = connect(join(stateDir, "status.sock"));
    socket.on("data", (data) => (text += data.toString()));
    socket.on("error", () => resolve(null));
    socket.on("close", () => resolve(text === "" ? null : (JSON.parse(text) as { pid: number }).pid));
  });
const connected = () => controller.ctx.db.select().from(agentSessions);
async function until<T>(what: string, ask: () => Promise<T | null | undefined | false>): Promise<T> {
  for (let i = 0; i < 500; i++) {
    const answer = await ask();
    if (answer) return answer;
    await sleep(200);
  }
  throw new Error(`waited 100 s: ${what}`);
}
const agentOtherThan = (pid: number | null) =>
  until("another agent process", async () => {
    const now = await agentPid();
    return now !== pid && (await connected()).length === 1 ? now : null;
  });

test("this machine is there by itself: enrolled, connected, not root, started again when killed", async () => {
  const first = await agentOtherThan(null);
  expect(await controller.ctx.db.select().from(servers)).toHaveLength(1);
  // A controller of an ordinary user runs it as that user; one of root never as root.
  const expected = agentUser()?.uid ?? process.getuid?.();
  expect(expected).not.toBe(0);
  // Of an ordinary user's controller everything is that user's; root keeps the database's user apart from the agent's.
  const isDatabaseUser = expected === statSync(join(dataDir, "postgresql/data")).uid;
  expect(isDatabaseUser).toBe(process.getuid?.() !== 0);
  expect([statSync(`/proc/${first}`).uid, statSync(join(stateDir, "key.pem")).uid]).toEqual([expected, expected]);
  expect(statSync(stateDir).mode & 0o777).toBe(0o700);
  expect(readFileSync(`/proc/${first}/cmdline`, "utf8")).toContain("--lite-mode");
  process.kill(first, "SIGKILL");
  expect(await agentOtherThan(first)).not.toBe(first);
});

test("it ends with the controller; one that a killed controller left behind is ended, and the identity stays", async () => {
  const [server] = await controller.ctx.db.select().from(servers);
  const running = await agentOtherThan(null);
  await controller.stop();
  expect(existsSync(`/proc/${running}`)).toBe(false);

  const flags = JSON.parse(readFileSync(join(assets.agent, "start.json"), "utf8")) as { runtimeFlags: string[] };
  const orphan = spawnNode([...flags.runtimeFlags, join(dataDir, "local-agent/devflow-agent.mjs"), "run"], agentUser(), {
    cwd: folder,
    env: { DEVFLOW_AGENT_STATE_DIR: stateDir },
  });
  let said = "";
  for (const stream of [orphan.stdout, orphan.stderr]) stream?.on("data", (chunk: Buffer) => (said += chunk.toString()));
  await until("the orphan to run", async () => {
    if (orphan.exitCode !== null) throw new Error(`the orphan ended with ${orphan.exitCode}: ${said}`);
    return (await agentPid()) === orphan.pid;
  });
  settings["DEVFLOW_GATEWAY_PORT"] = await freePort(); // changed settings reach it too
  // The agent's user can lay links into its folder; a controller that is root must not write through them.
  const victim = join(folder, "victim");
  writeFileSync(victim, "root's");
  symlinkSync(victim, join(stateDir, "agent.json.new"));
  controller = await start();
  expect(await agentOtherThan(orphan.pid ?? null)).not.toBe(orphan.pid);
  expect((await controller.ctx.db.select().from(servers)).map(({ id }) => id)).toEqual([server?.id]);
  expect([readFileSync(victim, "utf8"), statSync(victim).uid]).toEqual(["root's", process.getuid?.()]);
});

test("deleted while it runs, it comes back as a new server with a new identity", async () => {
  const [server] = await controller.ctx.db.select().from(servers);
  const pid = await agentOtherThan(null);
  await deleteServer({
    ctx: controller.ctx,
    principal: systemPrincipal(controller.ctx.installation.defaultOrganizationId),
    input: { serverId: server?.id ?? "" },
  });
  process.kill(pid, "SIGTERM");
  const [fresh] = await until("a new server", async () => {
    const rows = await controller.ctx.db.select().from(servers);
    return rows.length === 1 && (await connected()).length === 1 && rows;
  });
  expect(fresh?.id).not.toBe(server?.id);
});
