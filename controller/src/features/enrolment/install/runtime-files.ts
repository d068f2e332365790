import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { access, mkdir, mkdtemp, readdir, rename, rm, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { createGzip } from "node:zlib";
import { AppError } from "@devflow/errors";
import type { Logger } from "pino";
import { type Architecture, runtimePins, runtimeVersion } from "./runtime-pins.ts";

const run = promisify(execFile);
const npmTimeoutMs = 180_000;

/** A file to hand out. */
export interface PackedFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** Hexadecimal, over the file as it is sent. */
  readonly sha256: string;
}

/**
 * The Node runtimes for agents, gzipped once and kept in `<folder>/node-<version>-linux-<arch>.gz`. This machine's
 * architecture comes from node_modules or this very process; the other one from the npm registry that this machine is
 * set up for, or from a `node-linux-<arch>-<version>.tgz` that somebody laid into the folder, by pinned hash either way.
 */
export function createRuntimeFiles(folder: string, log: Logger) {
  const kept = new Map<Architecture, Promise<PackedFile>>();
  return {
    /** Throws AppError unavailable with what to do when the runtime cannot be had. */
    get(architecture: Architecture): Promise<PackedFile> {
      const known = kept.get(architecture);
      if (known !== undefined) return known;
      const made = pack(folder, architecture, log);
      kept.set(architecture, made);
      made.catch(() => kept.delete(architecture)); // the next request tries again
      return made;
    },
  };
}

async function pack(folder: string, architecture: Architecture, log: Logger): Promise<PackedFile> {
  const target = join(folder, `node-${runtimeVersion}-linux-${architecture}.gz`);
  await mkdir(folder, { recursive: true });
  if (!(await exists(target))) {
    const scratch = await mkdtemp(join(folder, "making-"));
    try {
      const binary = (await ownRuntime(architecture)) ?? (await fetchedRuntime(folder, scratch, architecture, log));
      await pipeline(createReadStream(binary), createGzip({ level: 6 }), createWriteStream(join(scratch, "node.gz")));
      await rename(join(scratch, "node.gz"), target);
      log.info({ scope: "enrolment.install", architecture, runtimeVersion }, "packed the agents' runtime");
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  }
  return describe(target);
}

/** Size and SHA-256 of a file. */
export async function describe(path: string): Promise<PackedFile> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return { path, sizeBytes: (await stat(path)).size, sha256: hash.digest("hex") };
}

/** The binary that npm installed for this machine, or the one that runs this process if it is the very version, unbundled from no distribution. */
async function ownRuntime(architecture: Architecture): Promise<string | null> {
  if (process.platform !== "linux" || process.arch !== architecture) return null;
  try {
    const binary = join(dirname(createRequire(import.meta.url).resolve(`node-linux-${architecture}/package.json`)), "bin/node");
    await access(binary);
    return binary;
  } catch {
    // An image holds no node_modules; its own Node is the official build then. A distribution's links shared libraries.
    const variables = process.config.variables as Record<string, unknown>;
    return process.version === `v${runtimeVersion}` && variables.node_shared !== true && !isMusl() ? process.execPath : null;
  }
}

const isMusl = (): boolean =>
  (process.report.getReport() as { header: { glibcVersionRuntime?: string } }).header.glibcVersionRuntime === undefined;

async function fetchedRuntime(folder: string, scratch: string, architecture: Architecture, log: Logger): Promise<string> {
  const name = `node-linux-${architecture}-${runtimeVersion}.tgz`;
  const laid = (await readdir(folder)).includes(name) ? join(folder, name) : null;
  const archive = laid ?? join(scratch, name);
  if (laid === null) {
    log.info({ scope: "enrolment.install", architecture, runtimeVersion }, "fetching the agents' runtime from the npm registry");
    await run("npm", ["pack", `node-linux-${architecture}@${runtimeVersion}`, "--pack-destination", scratch, "--silent"], {
      cwd: scratch,
      env: withoutSecrets(process.env),
      timeout: npmTimeoutMs,
    }).catch((cause: unknown) => {
      throw new AppError(
        "unavailable",
        `The controller could not fetch the runtime for linux-${architecture} from its npm registry. Give it access, or lay ${name} (npm pack node-linux-${architecture}@${runtimeVersion}) into ${folder} on the controller.`,
        { cause },
      );
    });
  }
  const hash = createHash("sha512");
  await pipeline(createReadStream(archive), hash);
  if (`sha512-${hash.digest("base64")}` !== runtimePins[architecture]) {
    throw new AppError(
      "unavailable",
      `${name} is not the file that DevFlow was released with: its SHA-512 differs. ${laid === null ? "The registry gave another one; nothing was installed." : `Remove ${laid}.`}`,
    );
  }
  await run("tar", ["-xzf", archive, "-C", scratch, "package/bin/node"], { env: withoutSecrets(process.env), timeout: 60_000 });
  return join(scratch, "package/bin/node");
}

/** The environment for npm: its own settings and proxies, none of ours, which hold the master key and passwords. */
export const withoutSecrets = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !/^(DEVFLOW_|DATABASE_|PG)/.test(name)));

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
