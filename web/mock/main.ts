/**
 * The page without a controller.
 *   node mock/main.ts [--dev] [--port 21600] [--servers 50] [--fault none|error|slow|hang|offline] [--setup] [--signed-out]
 * --dev serves the sources through Vite on port+1; otherwise the built page in build/ is served. Keys while it runs:
 * n connects a new server, e/s/h/o play a fault, r heals.
 */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createServer } from "vite";
import { startMock, type Fault } from "./server.ts";

const { values } = parseArgs({
  options: {
    dev: { type: "boolean", default: false },
    port: { type: "string", default: "21600" },
    servers: { type: "string", default: "50" },
    fault: { type: "string", default: "none" },
    setup: { type: "boolean", default: false },
    "signed-out": { type: "boolean", default: false },
  },
});
const web = dirname(dirname(fileURLToPath(import.meta.url)));
const mock = await startMock({
  port: Number(values.port),
  build: values.dev ? null : join(web, "build"),
  servers: Number(values.servers),
  setupNeeded: values.setup,
  signedIn: !values.setup && !values["signed-out"],
});
mock.setFault(values.fault as Fault);
console.log(`mock API with ${values.servers} servers: http://127.0.0.1:${mock.port}`);

if (values.dev) {
  const vite = await createServer({
    root: web,
    server: { port: mock.port + 1, strictPort: true, proxy: { "/api": { target: `http://127.0.0.1:${mock.port}`, ws: true } } },
  });
  await vite.listen();
  vite.printUrls();
}
if (process.stdin.isTTY) {
  process.stdin.setRawMode(true);
  const faults: Record<string, Fault> = { e: "error", s: "slow", h: "hang", o: "offline", r: "none" };
  process.stdin.on("data", (data) => {
    const key = String(data);
    if (key === "\u0003" || key === "q") process.exit();
    if (key === "n") console.log(`connected ${mock.world.connect().server.name}`);
    const fault = faults[key];
    if (fault) {
      mock.setFault(fault);
      console.log(`fault: ${fault}`);
    }
  });
}
