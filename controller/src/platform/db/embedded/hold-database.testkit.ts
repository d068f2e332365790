// A controller as far as the database sees it: starts the embedded PostgreSQL in the folder of argv[2], tells its
// postmaster's number, and holds it until it is killed.
import { createLog } from "../../log/index.ts";
import { startEmbedded } from "./index.ts";

const server = await startEmbedded({ dataDir: process.argv[2] as string, log: createLog("error") });
process.stdout.write(`${server.pid}\n`);
process.stdin.resume();
process.stdin.once("end", () => void server.stop().then(() => process.exit(0)));
