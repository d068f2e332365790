import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePorts } from "@devflow/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { buildParts } from "../scripts/build.ts";
import { root, staleParts } from "../scripts/build-state.mjs";
import { type ControllerProcess, startController } from "./controller-process.ts";

const host = "devflow.example.com";
const origin = `https://${host}`;
/** Where the client calls from; the proxy calls the controller from 127.0.0.1. */
const clientAddress = "127.0.0.5";
const page = readFileSync(join(root, "docs/operations/hardening.md"), "utf8");
/** The page's own words, with this test's ports and files. */
const written = (kind: string) => new RegExp(`\`\`\`${kind}\\n([^]*?)\`\`\``).exec(page)![1]!;

interface Proxy {
  readonly name: string;
  readonly binary: string;
  readonly start: (folder: string, port: number, controllerPort: number) => Promise<ChildProcess>;
}

const proxies: readonly Proxy[] = [
  {
    name: "nginx",
    binary: "/usr/sbin/nginx",
    async start(folder, port, controllerPort) {
      const [key, certificate] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
      const made = spawnSync("openssl", [
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-subj",
        `/CN=${host}`,
        "-keyout",
        key,
        "-out",
        certificate,
      ]);
      if (made.status !== 0) throw new Error(String(made.stderr));
      const site = written("nginx")
        .replace("listen 443", `listen 127.0.0.1:${port}`)
        .replace("127.0.0.1:8080", `127.0.0.1:${controllerPort}`)
        .replace("/etc/ssl/devflow.pem", certificate)
        .replace("/etc/ssl/devflow.key", key);
      const folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${folder}/${name};`).join("\n");
      const file = join(folder, "nginx.conf");
      await writeFile(
        file,
        `daemon off;\nmaster_process off;\npid ${folder}/pid;\nerror_log stderr;\nevents {}\nhttp {\naccess_log off;\n${folders}\n${site}}\n`,
      );
      return spawn("/usr/sbin/nginx", ["-p", folder, "-c", file, "-e", "stderr"], { stdio: ["ignore", "ignore", "pipe"] });
    },
  },
  {
    name: "Caddy",
    binary: "/usr/bin/caddy",
    async start(folder, port, controllerPort) {
      const site = written("caddy")
        // A certificate of its own instead of one from the internet.
        .replace(`${host} {`, `https://${host}:${port} {\n  tls internal\n  bind 127.0.0.1`)
        .replace("127.0.0.1:8080", `127.0.0.1:${controllerPort}`);
      const file = join(folder, "Caddyfile");
      await writeFile(file, `{\n  admin off\n  skip_install_trust\n  auto_https disable_redirects\n}\n${site}`);
      const env = { PATH: process.env["PATH"], HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
      return spawn("/usr/bin/caddy", ["run", "--config", file, "--adapter", "caddyfile"], { stdio: ["ignore", "ignore", "pipe"], env });
    },
  },
];

// Not installed by npm test: Debian would start them as services.
describe.skipIf(proxies.some(({ binary }) => !existsSync(binary)))(
  "behind a reverse proxy as docs/operations/hardening.md writes it",
  () => {
    let controller: ControllerProcess;
    const email = "ada@example.com";
    const password = "three plain words here";
    beforeAll(async () => {
      const stale = staleParts().filter((part) => part === "web" || part === "controller");
      if (stale.length > 0) await buildParts(stale);
      controller = await startController({
        env: {
          DEVFLOW_PUBLIC_URL: origin,
          DEVFLOW_TRUSTED_PROXIES: "127.0.0.1",
          DEVFLOW_ADMIN_EMAIL: email,
          DEVFLOW_ADMIN_PASSWORD: password,
        },
      });
    });
    afterAll(() => controller?.stop());

    describe.each(proxies)("$name", ({ start }) => {
      let folder: string;
      let port: number;
      let proxy: ChildProcess;
      let printed = "";
      let cookie = "";
      beforeAll(async () => {
        folder = await mkdtemp(join(tmpdir(), "devflow-proxy-"));
        [port = 0] = await freePorts(1);
        proxy = await start(folder, port, Number(new URL(controller.url).port));
        proxy.stderr!.on("data", (chunk: Buffer) => (printed += chunk.toString()));
        for (let i = 0; ; i++) {
          const answer = await ask("/healthz").catch(() => null);
          if (answer?.status === 200) break;
          if (i === 100 || proxy.exitCode !== null) throw new Error(`the proxy does not answer:\n${printed}`);
          await sleep(100);
        }
      });
      afterAll(async () => {
        if (proxy?.exitCode === null) {
          proxy.kill("SIGTERM");
          await once(proxy, "exit");
        }
        await rm(folder, { recursive: true, force: true });
      });

      const open = (
        path: string,
        { method = "GET", headers = {}, json }: { method?: string; headers?: Record<string, string>; json?: unknown } = {},
      ) =>
        new Promise<IncomingMessage>((resolve, reject) => {
          const type = json === undefined ? {} : { "content-type": "application/json" };
          const asked = request(
            {
              host: "127.0.0.1",
              port,
              servername: host,
              rejectUnauthorized: false,
              localAddress: clientAddress,
              agent: false,
              method,
              path,
              headers: { host, ...type, ...headers },
            },
            resolve,
          );
          asked.on("error", reject).end(json === undefined ? undefined : JSON.stringify(json));
        });
      const ask = async (path: string, how: Parameters<typeof open>[1] = {}) => {
        const answer = await open(path, how);
        let text = "";
        for await (const chunk of answer) text += (chunk as Buffer).toString();
        return { status: answer.statusCode, headers: answer.headers, text };
      };

      it("signs in with a cookie bound to the host, over pages with all their headers", async () => {
        const { status, headers } = await ask("/sign-in");
        expect(status).toBe(200);
        expect(headers["content-security-policy"]).toContain("require-trusted-types-for 'script'");
        expect(headers["strict-transport-security"]).toMatch(/^max-age=/);
        const session = await ask("/api/v1/session", { method: "POST", json: { email, password }, headers: { origin } });
        expect([session.status, session.headers["set-cookie"]?.[0]]).toEqual([
          200,
          expect.stringMatching(/^__Host-devflow\.session_token=.*Secure/),
        ]);
        cookie = session.headers["set-cookie"]![0]!.split(";")[0]!;
        expect((await ask("/api/v1/me", { headers: { cookie } })).status).toBe(200);
      });

      it("refuses another site's changes, and takes our own", async () => {
        const change = async (from: string) =>
          (await ask("/api/v1/groups", { method: "POST", json: { name: crypto.randomUUID() }, headers: { cookie, origin: from } })).status;
        expect([await change("https://evil.example"), await change(`http://${host}`), await change(origin)]).toEqual([403, 403, 201]);
      });

      it("tells who really called, whatever the client says about itself", async () => {
        const spoofed = { "x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "http", forwarded: "for=203.0.113.9" };
        const session = await ask("/api/v1/session", { method: "POST", json: { email, password }, headers: { origin, ...spoofed } });
        expect(session.headers["strict-transport-security"]).toMatch(/^max-age=/);
        const audit = await ask("/api/v1/audit?action=users.sign-in&limit=1", { headers: { cookie } });
        expect([audit.status, /"address":"([^"]*)"/.exec(audit.text)?.[1]]).toEqual([200, clientAddress]);
      });

      it("carries the live WebSocket, for our own page alone", async () => {
        const dial = (from: string) =>
          new WebSocket(`wss://127.0.0.1:${port}/api/v1/live`, {
            servername: host,
            rejectUnauthorized: false,
            headers: { host, cookie, origin: from },
          } as never);
        const socket = dial(origin);
        await once(socket, "open");
        socket.send(JSON.stringify({ type: "ping" }));
        expect(JSON.parse(String((await once(socket, "message"))[0]))).toEqual({ type: "pong" });
        socket.close();
        await once(socket, "close");
        const foreign = dial("https://evil.example");
        foreign.on("error", () => undefined);
        const [, refused] = (await once(foreign, "unexpected-response")) as [unknown, IncomingMessage];
        expect(refused.statusCode).toBe(403);
        foreign.terminate();
      });

      it("passes events on as they happen", async () => {
        const stream = await open("/api/v1/events/stream", { headers: { cookie, "accept-encoding": "gzip" } });
        let text = "";
        stream.on("data", (chunk: Buffer) => (text += chunk.toString()));
        const until = async (pattern: RegExp) => {
          for (let i = 0; i < 100 && !pattern.test(text); i++) await sleep(50);
          expect(text).toMatch(pattern);
        };
        await until(/^retry: /);
        const made = await ask("/api/v1/tokens", {
          method: "POST",
          json: { name: "seen through the proxy", role: "view" },
          headers: { cookie, origin },
        });
        expect(made.status).toBe(201);
        await until(/data: .*token/);
        stream.destroy();
      });

      it("passes a large page on whole", async () => {
        const [plain, packed] = await Promise.all([
          ask("/api/docs", { headers: { cookie } }),
          ask("/api/v1/openapi.json", { headers: { cookie } }),
        ]);
        expect(plain.text.trimEnd().endsWith("</html>")).toBe(true);
        expect(JSON.parse(packed.text)).toHaveProperty("openapi");
      });
    });
  },
);
