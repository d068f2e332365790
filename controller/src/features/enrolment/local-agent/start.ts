import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { access, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { assets } from "../../../platform/assets.ts";
import type { Context } from "../../../platform/context.ts";
import type { Stop } from "../../../platform/feature.ts";
import { authorityFacts } from "../authority.ts";
import { createToken } from "../create-token.ts";
import type { AgentStart } from "../install/package.ts";
import { systemPrincipal } from "../system-principal.ts";
import { endLeftOver } from "./left-over.ts";

const firstPauseMs = 1_000;
const longestPauseMs = 60_000;
const stopMs = 5_000;
const tokenMinutes = 10;

/** Addresses that mean "all" are reached over loopback. */
const dialHost = (host: string): string => (host === "::" || host === "0.0.0.0" ? "127.0.0.1" : host);

/**
 * Runs an agent for this machine beside the controller, as a process of its own: enrolled at the first start with a
 * token that nobody sees, started again when it ends. Its state is in `<dataDir>/local-agent/<installation>`, so that
 * another database gets another identity. It runs as the controller's user.
 *
 * Resolves at once; what goes wrong is logged and tried again.
 */
export async function startLocalAgent(ctx: Context, enrolPort: number): Promise<Stop> {
  const log = ctx.log.child({ scope: "enrolment.local-agent" });
  const stopping = new AbortController();
  const { signal } = stopping;
  let child: ChildProcess | null = null;
  const stateDir = join(ctx.config.dataDir, "local-agent", ctx.installation.id);
  const pidFile = join(stateDir, "agent.pid");
  const bundle = join(assets.agent, "devflow-agent.mjs");

  const run = async (start: AgentStart, args: readonly string[], token?: string): Promise<number | null> => {
    const env = {
      PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
      ...start.environment,
      DEVFLOW_AGENT_STATE_DIR: stateDir,
      DEVFLOW_AGENT_LOG_LEVEL: "warn",
      ...(token !== undefined && { DEVFLOW_AGENT_TOKEN: token }),
    };
    const started = spawn(process.execPath, [...start.runtimeFlags, bundle, ...args], { env, stdio: ["ignore", "ignore", "pipe"] });
    child = started;
    let said = "";
    started.stderr.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-2_000)));
    if (started.pid !== undefined) await writeFile(pidFile, String(started.pid), { mode: 0o600 });
    const [code] = (await once(started, "exit")) as [number | null];
    child = null;
    await rm(pidFile, { force: true });
    if (code !== 0 && !signal.aborted) log.warn({ code, said: said.trim() }, `devflow-agent ${args[0]} ended`);
    return code;
  };

  const enrol = async (start: AgentStart): Promise<boolean> => {
    const principal = systemPrincipal(ctx.installation.defaultOrganizationId);
    const { secret } = await createToken({
      ctx,
      principal,
      input: { name: "This machine", expiresInMinutes: tokenMinutes, requestHost: null },
    });
    const { caFingerprint } = await authorityFacts(ctx);
    const host = dialHost(ctx.config.gatewayHost);
    return (await run(start, ["enrol", "--host", host, "--enrol-port", String(enrolPort), "--ca", caFingerprint], secret)) === 0;
  };

  const keepRunning = async (): Promise<void> => {
    await access(bundle);
    const start = JSON.parse(await readFile(join(assets.agent, "start.json"), "utf8")) as AgentStart;
    await mkdir(stateDir, { recursive: true, mode: 0o700 });
    await endLeftOver(pidFile, stateDir);
    for (let pauseMs = firstPauseMs; !signal.aborted; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      const began = ctx.clock.now();
      try {
        const enrolled = await access(join(stateDir, "agent.json")).then(
          () => true,
          () => false,
        );
        if (enrolled || (await enrol(start))) await run(start, ["run"]);
      } catch (error) {
        log.warn({ err: error }, "this machine's agent could not be started; trying again");
      }
      if (ctx.clock.now() - began > longestPauseMs) pauseMs = firstPauseMs;
      await delay(pauseMs, undefined, { signal }).catch(() => undefined); // stopped while it waited
    }
  };

  const running = keepRunning().catch((error: unknown) => {
    log.warn({ err: error }, "no agent for this machine: its package is not built (npm run build) or its folder cannot be written");
  });
  return async () => {
    stopping.abort();
    const last = child;
    last?.kill("SIGTERM");
    const timer = setTimeout(() => last?.kill("SIGKILL"), stopMs);
    await running;
    clearTimeout(timer);
  };
}
