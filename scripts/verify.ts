// npm run verify [-- --without-tests]: everything that a change must pass, each step with its time, two at a time.
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { performance } from "node:perf_hooks";
import { root } from "./build-state.mjs";

interface Step {
  readonly name: string;
  /** argv lists, run one after the other until one fails. */
  readonly commands: readonly (readonly string[])[];
  readonly cwd?: string;
  /** Null: runs. A sentence: left out, and why. */
  readonly skip?: string | null;
}

/** Longest first, so that the two lanes end together. */
const steps: readonly Step[] = [
  {
    name: "web types",
    commands: [
      ["svelte-kit", "sync"],
      ["svelte-check", "--tsconfig", "./tsconfig.json", "--fail-on-warnings", "--output", "human"],
    ],
    cwd: "web",
  },
  { name: "types", commands: [["tsc", "-p", "."]] },
  { name: "generated code", commands: [["node", "scripts/check-generated.ts"]] },
  { name: "dead code", commands: [["knip", "--no-progress", "--no-config-hints"]] },
  { name: "structure", commands: [["vitest", "run", "--project", "structure", "--reporter=dot"]] },
  { name: "lint", commands: [["oxlint"]] },
  { name: "import rules", commands: [["node", "scripts/check-imports.ts"]] },
  {
    name: "API description",
    commands: [["redocly", "lint", "--extends", "spec", "docs/openapi.json"]],
  },
  { name: "format", commands: [["oxfmt", "--check"]] },
  {
    name: "shell scripts",
    commands: [["shellcheck", "install.sh", ".ci/run"]],
    skip: existsSync("/usr/bin/shellcheck") ? null : "shellcheck is not installed (npm test brings it where it may)",
  },
];

interface Outcome {
  readonly ok: boolean;
  readonly output: string;
}

/** Runs one command with node_modules/.bin first; resolves with what it printed. */
function run(argv: readonly string[], cwd: string): Promise<Outcome> {
  const [command = "", ...args] = argv;
  return new Promise((resolve) => {
    const env = {
      ...process.env,
      PATH: `${join(root, "node_modules/.bin")}${delimiter}${process.env.PATH}`,
      FORCE_COLOR: process.stdout.isTTY ? "1" : "0",
    };
    const child = spawn(command, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.on("error", (error) => resolve({ ok: false, output: `${argv.join(" ")}: ${error.message}` }));
    child.on("close", (code) => resolve({ ok: code === 0, output }));
  });
}

async function runStep(step: Step): Promise<Outcome> {
  let last: Outcome = { ok: true, output: "" };
  for (const argv of step.commands) {
    last = await run(argv, join(root, step.cwd ?? "."));
    if (!last.ok) return last;
  }
  return last;
}

const waiting = [...steps];
const failed: { step: Step; output: string }[] = [];

async function lane(): Promise<void> {
  for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) {
    if (typeof step.skip === "string") {
      console.log(`–     –  ${step.name}: ${step.skip}`);
      continue;
    }
    const began = performance.now();
    const { ok, output } = await runStep(step);
    console.log(`${ok ? "✓" : "✗"} ${((performance.now() - began) / 1000).toFixed(1).padStart(5)} s  ${step.name}`);
    if (!ok) failed.push({ step, output });
  }
}

const began = performance.now();
await Promise.all([lane(), lane()]);
for (const { step, output } of failed) {
  console.log(
    `\n── ${step.name}: ${step.commands.map((argv) => argv.join(" ")).join(" && ")}${step.cwd ? ` (in ${step.cwd})` : ""}\n${output.trim()}`,
  );
}
const total = ((performance.now() - began) / 1000).toFixed(1);
console.log(`\n${failed.length === 0 ? "All checks passed" : `Failed: ${failed.map(({ step }) => step.name).join(", ")}`} in ${total} s`);

if (failed.length > 0) process.exitCode = 1;
else if (!process.argv.includes("--without-tests")) {
  process.exitCode = spawnSync(process.execPath, ["scripts/test.ts"], { cwd: root, stdio: "inherit" }).status ?? 1;
}
