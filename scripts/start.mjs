// npm start: checks Node and the dependencies, builds what is missing or stale, then becomes the controller.
// Plain JavaScript that Node 20 can read too, so that a machine without the pinned Node gets a sentence, not a stack.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const needed = 24;

/** @param {string} message @returns {never} */
function refuse(message) {
  console.error(message);
  process.exit(1);
}

if (Number(process.versions.node.split(".")[0]) < needed) {
  const pinned = `node-${process.platform}-${process.arch}`;
  const has = existsSync(new URL(`../node_modules/${pinned}`, import.meta.url));
  refuse(
    has
      ? `DevFlow needs Node ${needed} or later and this is ${process.version}. The right one is installed already: start with npm start.`
      : `DevFlow needs Node ${needed} or later and this is ${process.version}. npm ci brings it as the package ${pinned}, which is missing: ` +
          `run npm ci again (without --omit=optional), or install Node ${needed} if no such package exists for this machine.`,
  );
}
if (!existsSync(new URL("../node_modules/.package-lock.json", import.meta.url))) {
  refuse("The dependencies are not installed: run npm ci, then npm start.");
}

const { staleParts, root } = await import("./build-state.mjs");
const stale = staleParts();
if (stale.length > 0) {
  // In a process of its own, so that the builders' memory is gone before the controller starts.
  const built = spawnSync(process.execPath, ["scripts/build.ts", ...stale], { cwd: root, stdio: "inherit" });
  if (built.status !== 0) refuse(`DevFlow was not started: building ${stale.join(", ")} failed (see above).`);
}
const main = new URL("../dist/controller/main.js", import.meta.url);
// argv as if the bundle had been called itself: it decides by this whether it is the program.
process.argv[1] = fileURLToPath(main);
await import(main.href);
