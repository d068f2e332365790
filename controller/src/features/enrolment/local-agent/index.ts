import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmodSync, copyFileSync, mkdirSync, renameSync, statSync } from "node:fs";
import { connect } from "node:net";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { eq } from "drizzle-orm";
import type { Logger } from "pino";
import type { Context } from "../../../platform/context.ts";
import type { Stop } from "../../../platform/feature.ts";
import { readOwnedFile, writeOwnedFile } from "../../../platform/owned-files.ts";
import { servers } from "../../servers/schema.ts";
import { authorityFacts } from "../authority.ts";
import { createToken } from "../create-token.ts";
import { type AgentPackage, createAgentPackage } from "../install/package.ts";
import { systemPrincipal } from "../../../platform/auth/system-principal.ts";
import { endLeftover } from "./leftover.ts";
import { type AgentUser, agentUser, giveFolder, spawnNode } from "./run-as.ts";

const firstPauseMs = 1_000;
const longestPauseMs = 60_000;
/** An agent that ran this long was well: the next pause is the first again. */
const wellAfterMs = 60_000;
const stopMs = 5_000;

interface Parts {
  readonly ctx: Context;
  readonly log: Logger;
  readonly user: AgentUser | null;
  readonly folder: string;
  readonly stateDir: string;
  readonly bundlePath: string;
  readonly flags: readonly string[];
  readonly env: Record<string, string>;
}

/**
 * Runs the agent of this machine as a child: enrolled with a token of its own at the first start, under the agents'
 * flags, as an unprivileged user, started again with back-off when it ends. What goes wrong here is logged and tried
 * again; it never keeps the controller from running.
 * @returns the function that stops it
 */
export function startLocalAgent(ctx: Context, agent: AgentPackage = createAgentPackage(ctx)): Stop {
  const log = ctx.log.child({ scope: "local-agent" });
  const ending = new AbortController();
  let child: ChildProcess | null = null;

  const supervise = async (): Promise<void> => {
    let pauseMs = firstPauseMs;
    while (!ending.signal.aborted) {
      const startedMs = Date.now();
      try {
        const parts = await prepare(ctx, log, agent);
        await portAnswers(ctx, ending.signal);
        if (ending.signal.aborted) return;
        child = spawnNode([...parts.flags, parts.bundlePath, "run"], parts.user, { cwd: parts.folder, env: parts.env });
        follow(child, log);
        const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
        if (!ending.signal.aborted) log.warn({ code, signal }, "this machine's agent ended; starting it again");
      } catch (error) {
        if (!ending.signal.aborted) log.error({ err: error }, "this machine's agent could not be started; trying again");
      }
      child = null;
      pauseMs = Date.now() - startedMs > wellAfterMs ? firstPauseMs : Math.min(pauseMs * 2, longestPauseMs);
      await sleep(pauseMs, undefined, { signal: ending.signal }).catch(() => undefined); // ended while waiting
    }
  };
  const supervised = supervise();

  return async () => {
    ending.abort();
    const running = child;
    if (running !== null) {
      running.kill("SIGTERM");
      const force = setTimeout(() => running.kill("SIGKILL"), stopMs);
      await supervised;
      clearTimeout(force);
    } else await supervised;
  };
}

/** Lays out the folder, ends what an earlier controller left, enrols when there is no identity that this database knows. */
async function prepare(ctx: Context, log: Logger, agent: AgentPackage): Promise<Parts> {
  const start = await agent.start();
  const database = statSync(join(ctx.config.dataDir, "postgresql/data"), { throwIfNoEntry: false });
  const user = agentUser(database?.uid ?? null);
  const folder = join(ctx.config.dataDir, "local-agent");
  const stateDir = join(folder, "state");
  const bundlePath = join(folder, "devflow-agent.mjs");
  mkdirSync(stateDir, { recursive: true });
  chmodSync(folder, 0o755);
  chmodSync(stateDir, 0o700);
  const leftover = await endLeftover(join(stateDir, "status.sock"), bundlePath);
  if (leftover !== null) log.warn({ pid: leftover }, "ended an agent that an earlier controller left behind");
  giveFolder(stateDir, user);
  // Copies, since the built ones may lie where the agent's user cannot go.
  for (const path of [agent.inventoryPath, agent.bundlePath]) {
    const copy = join(folder, basename(path));
    copyFileSync(path, `${copy}.new`);
    renameSync(`${copy}.new`, copy);
  }
  const env = { ...start.environment, DEVFLOW_AGENT_STATE_DIR: stateDir, DEVFLOW_AGENT_LOG_LEVEL: "info" };
  const parts = { ctx, log, user, folder, stateDir, bundlePath, flags: start.runtimeFlags, env };
  if (!(await isEnrolled(parts))) await enrolHere(parts);
  return parts;
}

/** Whether the identity in the state folder is one of this installation; adapts its ports when the settings changed. */
async function isEnrolled({ ctx, stateDir, user }: Parts): Promise<boolean> {
  const path = join(stateDir, "agent.json");
  let file: Record<string, unknown> | null;
  try {
    file = JSON.parse((await readOwnedFile(path)) ?? "null") as Record<string, unknown> | null;
  } catch {
    return false; // damaged: a new identity is cheap here
  }
  if (file === null) return false;
  const id = file["agentId"];
  if (typeof id !== "string" || !/^[0-9a-f-]{36}$/.test(id)) return false;
  const [server] = await ctx.db.select({ id: servers.id }).from(servers).where(eq(servers.id, id));
  if (server === undefined) return false;
  const now = { ...file, controllerHost: ownHost(ctx), gatewayPort: ctx.config.gatewayPort, enrolPort: ctx.config.enrolPort };
  if (JSON.stringify(now) !== JSON.stringify(file)) await writeOwnedFile(path, `${JSON.stringify(now, null, 2)}\n`, user);
  return true;
}

/** The token is made for this one use and handed over by the environment of the agent's own user. */
async function enrolHere({ ctx, log, user, folder, bundlePath, flags, env }: Parts): Promise<void> {
  const { caFingerprint } = await authorityFacts(ctx);
  const principal = systemPrincipal(ctx.installation.defaultOrganizationId);
  const { secret } = await createToken({ ctx, principal, input: { name: "This machine", expiresInMinutes: 5, requestHost: null } });
  const args = [...flags, bundlePath, "enrol", "--host", ownHost(ctx), "--enrol-port", String(ctx.config.enrolPort), "--ca", caFingerprint];
  const child = spawnNode(args, user, { cwd: folder, env: { ...env, DEVFLOW_AGENT_TOKEN: secret } });
  const output: Buffer[] = [];
  child.stdout?.on("data", (data: Buffer) => output.push(data));
  child.stderr?.on("data", (data: Buffer) => output.push(data));
  const [code] = (await once(child, "close")) as [number | null];
  const said = Buffer.concat(output).toString().trim();
  if (code !== 0) throw new Error(`enrolling this machine failed: ${said}`);
  log.info(said);
}

/** Where the agent finds its controller: loopback, unless the listeners are bound to one address. */
const ownHost = (ctx: Context): string => (["::", "0.0.0.0"].includes(ctx.config.gatewayHost) ? "127.0.0.1" : ctx.config.gatewayHost);

/** The gateway opens a moment after this starts; an agent that dials too early would wait for its back-off. */
async function portAnswers(ctx: Context, signal: AbortSignal): Promise<void> {
  for (let i = 0; i < 100 && !signal.aborted; i++) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect({ host: ownHost(ctx), port: ctx.config.gatewayPort });
      socket.once("connect", () => (socket.destroy(), resolve(true)));
      socket.once("error", () => resolve(false));
    });
    if (open) return;
    await sleep(50);
  }
}

const levels: Record<number, "debug" | "info" | "warn" | "error"> = { 20: "debug", 30: "info", 40: "warn", 50: "error", 60: "error" };

/** The agent's log lines become lines of the controller's log. */
function follow(child: ChildProcess, log: Logger): void {
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on("line", (line) => {
      try {
        const { level, msg, time: _time, ...rest } = JSON.parse(line) as { level: number; msg?: string; time?: unknown };
        log[levels[level] ?? "info"](rest, msg ?? "");
      } catch {
        log.warn(line.slice(0, 2_000)); // words instead of JSON: a crash of Node itself
      }
    });
  }
}
