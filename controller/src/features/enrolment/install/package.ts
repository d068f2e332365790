import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "@devflow/errors";
import type { Context } from "../../../platform/context.ts";
import { assets } from "../../../platform/assets.ts";
import { type AgentBundle, readAgentBundle } from "./agent-bundle.ts";
import { createRuntimeFiles, type PackedFile } from "./runtime-files.ts";
import type { Architecture } from "./runtime-pins.ts";

/** How the agent is started; scripts/build-agent.ts writes it beside the bundle, from agent/src/runtime-flags.ts. */
export interface AgentStart {
  readonly version: string;
  /** Flags of Node, in order. */
  readonly runtimeFlags: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** Everything that a server needs to run an agent, read when it is first asked for. */
export interface AgentPackage {
  readonly bundlePath: string;
  /** The child that reads the inventory; it lies beside the bundle wherever that runs. */
  readonly inventoryPath: string;
  start(): Promise<AgentStart>;
  bundle(): Promise<AgentBundle>;
  inventory(): Promise<AgentBundle>;
  runtime(architecture: Architecture): Promise<PackedFile>;
}

const word = /^[A-Za-z0-9_.=:/-]{1,200}$/;

/** @param folder default where the build lays the agent */
export function createAgentPackage(ctx: Context, folder: string = assets.agent): AgentPackage {
  const runtimes = createRuntimeFiles(join(ctx.config.dataDir, "agent-runtimes"), ctx.log);
  const bundlePath = join(folder, "devflow-agent.mjs");
  const inventoryPath = join(folder, "devflow-inventory.mjs");
  return {
    bundlePath,
    inventoryPath,
    start: () => readStart(join(folder, "start.json")),
    bundle: readOnce(bundlePath),
    inventory: readOnce(inventoryPath),
    runtime: (architecture) => runtimes.get(architecture),
  };
}

/** Reads a bundle when it is first asked for. */
function readOnce(path: string): () => Promise<AgentBundle> {
  let bundle: Promise<AgentBundle> | null = null;
  return () => {
    bundle ??= readAgentBundle(path).catch((error: unknown) => {
      bundle = null; // it may be built by the next request
      throw error;
    });
    return bundle;
  };
}

/** Every value ends up in install.sh and in a systemd unit, so each must be one plain word. */
async function readStart(path: string): Promise<AgentStart> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new AppError("unavailable", "The agent's package is not built on this controller. Run npm run build there and try again.", {
      cause,
    });
  });
  const start = JSON.parse(text) as AgentStart;
  const words = [start.version, ...start.runtimeFlags, ...Object.entries(start.environment).map(([name, value]) => `${name}=${value}`)];
  const wrong = words.find((one) => !word.test(one));
  if (wrong !== undefined)
    throw new AppError("internal", `${path}: expected plain words without spaces and quotes, found ${JSON.stringify(wrong)}`);
  return start;
}
