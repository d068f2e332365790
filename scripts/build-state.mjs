// What npm start needs built, and whether that is still what the sources say. Plain JavaScript: it also runs in the
// controller's own process at start, where loading TypeScript would cost 20 MB for as long as the process lives.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));

/**
 * @typedef {object} Part
 * @property {readonly string[]} inputs files and folders, relative to the root
 * @property {string} output a file that exists when the part is built, relative to the root
 */

const shared = ["package-lock.json", "scripts/build.ts", "scripts/build-state.mjs"];

/** Every part, in the order in which they are built. */
export const parts = /** @type {const} @satisfies {Record<string, Part>} */ ({
  web: { inputs: [...shared, "web", "packages"], output: "web/build/index.html" },
  agent: { inputs: [...shared, "scripts/build-agent.ts", "agent", "packages", "proto/gen"], output: "dist/agent/devflow-agent.mjs" },
  cli: { inputs: [...shared, "packages"], output: "dist/cli/devflow.mjs" },
  controller: { inputs: [...shared, "controller", "packages", "proto/gen", "install.sh"], output: "dist/controller/main.js" },
});

/** @typedef {keyof typeof parts} PartName */

const ignored = new Set(["node_modules", "dist", "build", ".svelte-kit", "coverage", "testdata"]);

/**
 * SHA-256 over names and contents of a part's inputs. Contents, not times: a checkout, a stash or a copy changes nothing.
 * @param {PartName} part
 * @returns {string} hex
 */
export function fingerprint(part) {
  const hash = createHash("sha256");
  for (const input of parts[part].inputs) add(hash, input);
  return hash.digest("hex");
}

/**
 * @param {import("node:crypto").Hash} hash
 * @param {string} path relative to the root; a file or a folder
 */
function add(hash, path) {
  let entries;
  try {
    entries = readdirSync(join(root, path), { withFileTypes: true });
  } catch (error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error);
    if (code === "ENOTDIR") hash.update(`${path}\0`).update(readFileSync(join(root, path)));
    else if (code !== "ENOENT") throw error;
    return;
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    if (ignored.has(entry.name) || entry.name.endsWith(".test.ts")) continue;
    if (entry.isDirectory()) add(hash, `${path}/${entry.name}`);
    else if (entry.isFile()) hash.update(`${path}/${entry.name}\0`).update(readFileSync(join(root, path, entry.name)));
  }
}

/** @param {PartName} part */
const stampFile = (part) => join(root, "dist", `.${part}.built-from`);

/**
 * The parts that were never built or whose inputs changed since.
 * @returns {PartName[]}
 */
export function staleParts() {
  const names = /** @type {PartName[]} */ (Object.keys(parts));
  return names.filter((part) => {
    if (!existsSync(join(root, parts[part].output)) || !existsSync(stampFile(part))) return true;
    return readFileSync(stampFile(part), "utf8") !== fingerprint(part);
  });
}

/**
 * Records that a part was built from inputs with this fingerprint (taken before the build began).
 * @param {PartName} part
 * @param {string} builtFrom
 */
export function markBuilt(part, builtFrom) {
  mkdirSync(dirname(stampFile(part)), { recursive: true });
  writeFileSync(stampFile(part), builtFrom);
}
