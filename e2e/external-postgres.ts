import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts, processTree } from "@devflow/testkit";
import { type EmbeddedServer, startEmbedded } from "../controller/src/platform/db/embedded/index.ts";
import { createLog } from "../controller/src/platform/log/index.ts";

/** A PostgreSQL that is none of the controller's business: reached over TCP by DATABASE_URL. */
export interface ExternalPostgres {
  /** Settings of a controller that uses it. */
  readonly env: { readonly DATABASE_URL: string; readonly DEVFLOW_SECRET_KEY: string };
  /** SIGSTOP to all its processes, as when a machine hangs: connections stay, nothing answers. */
  freeze(): Promise<void>;
  thaw(): void;
  /** A clean stop: connections end, new ones are refused. */
  stop(): Promise<void>;
  start(): Promise<void>;
  remove(): Promise<void>;
}

export async function startExternalPostgres(): Promise<ExternalPostgres> {
  const dataDir = await mkdtemp(join(tmpdir(), "devflow-postgres-"));
  const [port = 0] = await freePorts(1);
  const folder = join(dataDir, "postgresql");
  await mkdir(folder, { mode: 0o711 });
  const hba = join(folder, "hba.conf");
  await writeFile(hba, "host all all 127.0.0.1/32 trust\n", { mode: 0o644 });
  await writeFile(join(folder, "postgresql.local.conf"), `listen_addresses = '127.0.0.1'\nport = ${port}\nhba_file = '${hba}'\n`, {
    mode: 0o644,
  });
  let server: EmbeddedServer | null = null;
  let frozen: number[] = [];
  const start = async (): Promise<void> => {
    server = await startEmbedded({ dataDir, log: createLog("error") });
  };
  const stop = async (): Promise<void> => {
    await server?.stop();
    server = null;
  };
  const thaw = (): void => {
    for (const pid of frozen.splice(0).toReversed()) process.kill(pid, "SIGCONT");
  };
  await start();
  return {
    env: { DATABASE_URL: `postgres://devflow@127.0.0.1:${port}/devflow`, DEVFLOW_SECRET_KEY: randomBytes(32).toString("base64") },
    async freeze() {
      // The first of them forks the others: stopped before the rest is listed.
      const pid = server?.pid;
      if (pid == null) throw new Error("there is no server to freeze");
      process.kill(pid, "SIGSTOP");
      frozen = await processTree(pid);
      for (const child of frozen.slice(1)) process.kill(child, "SIGSTOP");
    },
    thaw,
    stop,
    start,
    async remove() {
      thaw();
      await stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
