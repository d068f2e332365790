// Builds what other servers get: the agent as one file, the reader of its inventory as another, and how it is to be started.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build, type BuildOptions, type Metafile, type Plugin } from "esbuild";
import { runtimeEnvironment, runtimeFlags } from "../agent/src/runtime-flags.ts";
import { root } from "./build-state.mjs";

export interface AgentBuild {
  /** The bundle, devflow-agent.mjs; its source map lies beside it. */
  readonly bundlePath: string;
  readonly version: string;
  /** Which module brought how many bytes. */
  readonly metafile: Metafile;
}

/** Parts of grpc-js that an agent never reaches: a debugging service, xDS load reports and their .proto loader. */
const unneeded =
  /^(@grpc\/proto-loader|protobufjs.*|lodash\.camelcase|yargs|long|pino-pretty|thread-stream|\.\/(transport|worker|.*-transport.*))$/;

const leaveOut: Plugin = {
  name: "leave-out",
  setup(builder) {
    builder.onResolve({ filter: unneeded }, ({ path, importer }) => {
      if (path.startsWith(".") && !/node_modules\/pino\//.test(importer)) return null;
      if (path === "./transport" && !importer.includes("/pino/")) return null;
      return { path, namespace: "left-out" };
    });
    builder.onLoad({ filter: /.*/, namespace: "left-out" }, ({ path }) => ({
      contents: `module.exports = new Proxy(function () {}, { get() { return undefined; }, apply() { throw new Error(${JSON.stringify(`${path} is not part of the agent's bundle`)}); } });`,
    }));
  },
};

/** Both bundles: for the agents' Node, and without what an agent should not carry. */
const common = {
  bundle: true,
  platform: "node",
  target: "node24",
  format: "esm",
  minify: true,
  // CommonJS dependencies call require() for node's own modules.
  banner: { js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);' },
  legalComments: "none",
  logLevel: "warning",
} as const satisfies BuildOptions;

/**
 * Builds devflow-agent.mjs, devflow-agent.mjs.map, devflow-inventory.mjs (a short-lived child of the agent) and start.json
 * ({version, runtimeFlags, environment}) in `outDir`.
 * Throws the bundler's error.
 */
export async function buildAgent(outDir: string): Promise<AgentBuild> {
  const { version } = JSON.parse(readFileSync(join(root, "agent/package.json"), "utf8")) as { version: string };
  const bundlePath = join(outDir, "devflow-agent.mjs");
  const { metafile } = await build({
    ...common,
    entryPoints: [join(root, "agent/src/main.ts")],
    outfile: bundlePath,
    define: { DEVFLOW_AGENT_VERSION: JSON.stringify(version) },
    sourcemap: "external",
    sourcesContent: false,
    metafile: true,
    plugins: [leaveOut],
  });
  await build({
    ...common,
    entryPoints: [join(root, "agent/src/features/inventory/child/main.ts")],
    outfile: join(outDir, "devflow-inventory.mjs"),
  });
  writeFileSync(join(outDir, "start.json"), `${JSON.stringify({ version, runtimeFlags, environment: runtimeEnvironment }, null, 2)}\n`);
  return { bundlePath, version, metafile };
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { bundlePath, metafile } = await buildAgent(process.argv[2] ?? join(root, "dist/agent"));
  const [output] = Object.values(metafile.outputs).filter(({ entryPoint }) => entryPoint !== undefined);
  const parts = new Map<string, number>();
  for (const [path, { bytesInOutput }] of Object.entries(output?.inputs ?? {})) {
    const name = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? path.split("/").slice(0, 2).join("/");
    parts.set(name, (parts.get(name) ?? 0) + bytesInOutput);
  }
  for (const [name, bytes] of [...parts].toSorted((a, b) => b[1] - a[1]).slice(0, 20))
    process.stdout.write(`${String(bytes).padStart(8)} ${name}\n`);
  process.stdout.write(`${String(output?.bytes ?? 0).padStart(8)} ${bundlePath}\n`);
}
