import { createTerminal } from "./terminal.ts";
import { runCli } from "./program.ts";

const [major = 0] = process.versions.node.split(".").map(Number);
if (major < 22) {
  process.stderr.write(`devflow needs Node 22 or later and this is ${process.version}\n`);
  process.exit(1);
}
const stop = new AbortController();
// Whoever reads us may have enough (head, less): no error, nothing more to say.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    throw error;
  });
}
process.once("SIGINT", () => {
  stop.abort();
  // What does not listen to the signal ends all the same.
  setTimeout(() => process.exit(130), 300).unref();
});
process.once("SIGTERM", () => {
  stop.abort();
  setTimeout(() => process.exit(143), 300).unref();
});
const argv = process.argv.slice(2);
const terminal = createTerminal(process, process.env, argv.includes("--no-color") ? false : undefined);
process.exitCode = await runCli(argv, { terminal, now: () => Date.now(), signal: stop.signal });
