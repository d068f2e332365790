import { fileURLToPath } from "node:url";
import { runChild } from "../../host/run-child.ts";
import { type Details, parseDetails } from "./details.ts";

const BOUNDS = { timeoutMs: 10_000, maxBytes: 128 * 1024 } as const;

/** scripts/build-agent.ts lays it beside the agent's bundle. */
const script = fileURLToPath(new URL(import.meta.url.endsWith(".ts") ? "./child/main.ts" : "./devflow-inventory.mjs", import.meta.url));

/**
 * Reads what no single file tells in a process that exits; null when that failed, which costs only these facts.
 * @param options.base also what /proc tells on Linux. Default: only where there is no /proc
 */
export function readDetails(options: { base?: boolean } = {}): { details: Promise<Details | null>; stop: () => void } {
  const { output, stop } = runChild(["--max-semi-space-size=1", script, ...(options.base ? ["--base"] : [])], BOUNDS);
  return { details: output.then((text) => (text === null ? null : parseDetails(text))), stop };
}
