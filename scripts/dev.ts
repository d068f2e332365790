// npm run dev: the controller from its sources, the web pages by vite, this machine's agent; each reloads on change.
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { watch } from "node:fs";
import { buildAgent } from "./build-agent.ts";
import { parts, root } from "./build-state.mjs";

const webPort = 5173;
const settleMs = 200;
/** Written in place, as a watched folder must not be replaced. */
const agentPackage = join(root, "dist/agent");
const children: ChildProcess[] = [];
let stopping = false;

/** Ends everything; called for a signal and when a part ends by itself. */
async function stop(code: number): Promise<void> {
  if (stopping) return;
  stopping = true;
  for (const child of children) child.kill("SIGTERM");
  await Promise.all(
    children
      .filter((child) => child.exitCode === null && child.signalCode === null)
      .map((child) => new Promise((resolve) => child.once("exit", resolve))),
  );
  process.exit(code);
}

function run(name: string, program: string, args: readonly string[], cwd: string): void {
  const child = spawn(program, args, { cwd, stdio: ["ignore", "inherit", "inherit"] });
  child.on("error", (error) => console.error(`${name}: ${error.message}`));
  child.on("exit", (code) => {
    if (!stopping) console.error(`${name} ended (${code}).`);
    void stop(code ?? 1);
  });
  children.push(child);
}

/** Builds the agent again after a change of its inputs; the controller is restarted by that, and this machine's agent with it. */
function watchAgent(): void {
  let pending = 0;
  const changed = async () => {
    const mine = ++pending;
    await delay(settleMs); // an editor or git writes several files
    if (mine !== pending || stopping) return;
    try {
      await buildAgent(agentPackage);
    } catch {
      console.error("The agent was not built again (see above); the last good one goes on.");
    }
  };
  for (const input of parts.agent.inputs) {
    watch(join(root, input), { recursive: true }, (_event, name) => {
      if (name?.endsWith(".test.ts") !== true) void changed();
    });
  }
}

await buildAgent(agentPackage);
watchAgent();
// --watch-path instead of --watch: the agent's bundle is read, not imported.
const watched = ["controller/src", "controller/migrations", "packages", "proto/gen", "dist/agent"].map(
  (path) => `--watch-path=${join(root, path)}`,
);
run("controller", process.execPath, [...watched, "--watch-preserve-output", "controller/src/main.ts"], root);
run(
  "web",
  process.execPath,
  [join(root, "node_modules/vite/bin/vite.js"), "dev", "--host", "127.0.0.1", "--port", String(webPort), "--strictPort"],
  join(root, "web"),
);
console.log(`\n  Pages that reload: http://127.0.0.1:${webPort} (the controller's own port serves the last build)\n`);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => void stop(0));
