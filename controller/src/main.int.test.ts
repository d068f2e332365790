import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";

const main = new URL("./main.ts", import.meta.url).pathname;

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

describe("the controller as a process", () => {
  const running: ChildProcess[] = [];
  const folders: string[] = [];
  afterEach(async () => {
    for (const child of running.splice(0)) {
      if (child.exitCode !== null) continue;
      child.kill("SIGTERM");
      await once(child, "exit");
    }
    folders.splice(0).forEach((folder) => rmSync(folder, { recursive: true, force: true }));
  });

  const start = async (settings: Record<string, string> = {}) => {
    // A folder with a space in its name, as people have them.
    const dataDir = settings["DEVFLOW_DATA_DIR"] ?? join(mkdtempSync(join(tmpdir(), "devflow-main-")), "data dir");
    folders.push(dirname(dataDir));
    // As root, the database's own user has to pass through.
    chmodSync(dirname(dataDir), 0o711);
    const port = await freePort();
    const env = {
      PATH: process.env["PATH"],
      HOME: process.env["HOME"],
      DEVFLOW_DATA_DIR: dataDir,
      DEVFLOW_PORT: String(port),
      DEVFLOW_GATEWAY_PORT: "0",
      DEVFLOW_ENROL_PORT: "0",
      DEVFLOW_LOCAL_AGENT: "off",
      ...settings,
    };
    const child = spawn(process.execPath, [main], { env, stdio: ["ignore", "pipe", "pipe"] });
    running.push(child);
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
    return { child, port, dataDir, output: () => output, origin: `http://127.0.0.1:${port}` };
  };
  const ready = async (controller: { output: () => string }) => {
    await expect.poll(() => controller.output(), { timeout: 50_000 }).toContain("DevFlow is running at");
  };

  it("starts, prints the first administrator's link, and stops by SIGTERM with what runs answered", async () => {
    const first = await start();
    await ready(first);
    for (const key of ["master.key", "task-signing.pem"]) expect(statSync(join(first.dataDir, "keys", key)).mode & 0o777).toBe(0o600);
    const link = /\/setup#(\S+)/.exec(first.output());
    expect(link?.[1]).toMatch(/^[\w-]{32}$/);
    const setup = await fetch(`${first.origin}/api/v1/setup`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ code: link?.[1], name: "A", email: "a@example.com", password: "correct horse battery" }),
    });
    expect(setup.status).toBe(201);

    // A request whose body is still on its way when the signal comes is answered.
    const slow = fetch(`${first.origin}/api/v1/session`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      duplex: "half",
      body: new ReadableStream({
        async start(controller) {
          controller.enqueue(new TextEncoder().encode('{"email":"a@example.com",'));
          await sleep(500);
          controller.enqueue(new TextEncoder().encode('"password":"correct horse battery"}'));
          controller.close();
        },
      }),
    });
    await sleep(200);
    const began = Date.now();
    const exit = once(first.child, "exit");
    first.child.kill("SIGTERM");
    expect((await slow).status).toBe(200);
    expect((await exit)[0]).toBe(0);
    expect(Date.now() - began).toBeLessThan(10_000);

    const second = await start({ DEVFLOW_DATA_DIR: first.dataDir });
    await ready(second);
    expect(second.output()).not.toContain("/setup#");
    expect((await fetch(`${second.origin}/readyz`)).status).toBe(200);
  });

  const fails = async (settings: Record<string, string>) => {
    const controller = await start(settings);
    const [code] = (await once(controller.child, "exit")) as [number];
    return { code, output: controller.output() };
  };

  it("says which settings are wrong, in words, before it starts anything", async () => {
    const wrong = await fails({ DEVFLOW_PROT: "1", DEVFLOW_GATEWAY_PORT: "99999" });
    expect(wrong.code).toBe(1);
    expect(wrong.output).toContain("DEVFLOW_PROT is not a setting");
    expect(wrong.output).toContain("DEVFLOW_GATEWAY_PORT");
    expect(wrong.output).not.toMatch(/\n\s+at /);

    const proxies = await fails({ DEVFLOW_TRUSTED_PROXIES: "everybody" });
    expect([proxies.code, proxies.output.includes("DEVFLOW_TRUSTED_PROXIES: expected addresses")]).toEqual([1, true]);
  });
});
