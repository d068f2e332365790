import { createPublicKey, randomBytes, X509Certificate } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { request } from "node:https";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { enrol, renewExpired } from "../../agent/src/features/enrolment/index.ts";
import { loadCredentials, promoteCredentials } from "../../agent/src/state/credentials.ts";
import { authority, authorityFacts } from "../../controller/src/features/enrolment/authority.ts";
import { createToken } from "../../controller/src/features/enrolment/create-token.ts";
import { identifyAgent } from "../../controller/src/features/enrolment/identify-agent.ts";
import { type EnrolmentListener, listenForEnrolment } from "../../controller/src/features/enrolment/listener.ts";
import { revokeServer } from "../../controller/src/features/enrolment/revoke-server.ts";
import { revokeToken } from "../../controller/src/features/enrolment/revoke-token.ts";
import { servers } from "../../controller/src/features/servers/schema.ts";
import { testContext, type TestContext } from "../../controller/src/features/enrolment/test-context.ts";
import { readConfig } from "../../controller/src/config.ts";
import { httpProxy, manInTheMiddle } from "./man-in-the-middle.ts";

const dayMs = 86_400_000;
let t: TestContext;
let listener: EnrolmentListener;
let caSha256: string;
const folders: string[] = [];

beforeAll(async () => {
  t = await testContext({ config: { gatewayHost: "127.0.0.1", enrolPort: 0, gatewayPort: 18_443 } });
  await authority(t.ctx);
  listener = await listenForEnrolment(t.ctx);
  caSha256 = (await authorityFacts(t.ctx)).caFingerprint;
});
afterAll(async () => {
  await listener.close();
  await t.close();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
afterEach(() => {
  delete process.env["HTTPS_PROXY"];
});

const stateDir = () => {
  const folder = mkdtempSync(join(tmpdir(), "devflow-enrol-"));
  folders.push(folder);
  return join(folder, "state");
};
const newToken = (input: object = {}) => createToken({ ctx: t.ctx, principal: t.principal, input: { requestHost: null, ...input } });
const run = async (folder: string, changes: Partial<Parameters<typeof enrol>[0]> = {}) => {
  const said: string[] = [];
  const token = changes.token ?? (await newToken()).secret;
  await enrol({
    stateDir: folder,
    controllerHost: "127.0.0.1",
    enrolPort: listener.port,
    caSha256,
    agentVersion: "0.1.0",
    say: (line) => said.push(line),
    ...changes,
    token,
  });
  return said;
};
const serverCount = async () => (await t.ctx.db.select().from(servers)).length;

test("a server enrols: its key is made here, its state files are whole and private, and the gateway knows it", async () => {
  const folder = stateDir();
  expect(await run(folder)).toEqual([expect.stringMatching(/^Enrolled as /)]);
  expect(readdirSync(folder).toSorted()).toEqual(["agent.json", "ca.pem", "cert.pem", "key.pem", "task-signing.pub"]);
  expect(statSync(join(folder, "key.pem")).mode & 0o777).toBe(0o600);
  expect(JSON.parse(readFileSync(join(folder, "agent.json"), "utf8"))).toMatchObject({
    controllerHost: "127.0.0.1",
    gatewayPort: 18_443,
    enrolPort: listener.port,
    gatewayName: `gateway.${t.ctx.installation.id}.devflow.internal`,
  });
  expect(createPublicKey(readFileSync(join(folder, "task-signing.pub"))).asymmetricKeyType).toBe("ed25519");
  const gateway = identifyAgent(t.ctx);
  expect(await gateway.identify(new X509Certificate(readFileSync(join(folder, "cert.pem"))))).toHaveProperty("identity");
  gateway.close();
});

test("a man in the middle neither hears the token nor gets an agent to believe him", async () => {
  const { secret } = await newToken();
  const before = await serverCount();
  // He hands everything through, his own certificate in between.
  const listening = await manInTheMiddle(listener.port);
  // He offers his own CA too.
  const own = (await import("./man-in-the-middle.ts")).selfSigned();
  const impersonating = await manInTheMiddle(
    listener.port,
    (answer) =>
      Buffer.from(
        answer
          .toString("latin1")
          // His certificate has another length.
          .replace(/content-length: \d+\r\n/i, "")
          .replace(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/, own.cert.trim()),
        "latin1",
      ),
    own,
  );
  for (const man of [listening, impersonating]) {
    const { port, heard } = man;
    const folder = stateDir();
    await expect(run(folder, { enrolPort: port, token: secret })).rejects.toMatchObject({ code: "forbidden" });
    expect(Buffer.concat(heard).toString("latin1")).toContain("GET /ca.pem"); // he did sit in between
    expect(Buffer.concat(heard).toString("latin1")).not.toContain(secret);
    expect(existsSync(folder)).toBe(false);
    await man.close();
  }
  expect(await serverCount()).toBe(before);
  await run(stateDir(), { token: secret }); // and it is still good
});

test("without a fingerprint the system's roots decide, and they do not know this CA", async () => {
  const folder = stateDir();
  await expect(run(folder, { caSha256: null })).rejects.toMatchObject({ code: "forbidden" });
  expect(existsSync(folder)).toBe(false);
});

test("wrong, used, expired, revoked, foreign: each in words, nothing left behind", async () => {
  const used = (await newToken()).secret;
  await run(stateDir(), { token: used });
  const revoked = await newToken();
  await revokeToken({ ctx: t.ctx, principal: t.principal, input: { tokenId: revoked.token.id } });
  t.clock.nowMs -= 2 * 3_600_000;
  const expired = (await newToken()).secret;
  t.clock.nowMs += 2 * 3_600_000;
  const before = await serverCount();
  const cases: [Partial<Parameters<typeof enrol>[0]>, RegExp][] = [
    [{ token: `dfe_${"x".repeat(43)}` }, /does not exist/],
    [{ token: "dfe_short" }, /no enrolment token/],
    [{ token: used }, /was used 1 of 1 times/],
    [{ token: expired }, /ended at/],
    [{ token: revoked.secret }, /was revoked/],
    [{ caSha256: "ab".repeat(32) }, /does not have the fingerprint/],
    [{ caSha256: "ab" }, /64 hexadecimal digits/],
    [{ enrolPort: 1 }, /cannot be reached/],
  ];
  for (const [changes, words] of cases) {
    const folder = stateDir();
    await expect(run(folder, changes)).rejects.toThrow(words);
    expect(existsSync(folder)).toBe(false);
  }
  expect(await serverCount()).toBe(before);
});

test("through an HTTP proxy, whose answers are believed no more than the network's", async () => {
  const proxy = await httpProxy();
  process.env["HTTPS_PROXY"] = `http://127.0.0.1:${proxy.port}`;
  await run(stateDir(), { controllerHost: "controller.example" });
  expect(new Set(proxy.heard.map(String))).toEqual(new Set([`controller.example:${listener.port}`]));
  const between = await manInTheMiddle(listener.port);
  await expect(run(stateDir(), { controllerHost: "controller.example", enrolPort: between.port })).rejects.toMatchObject({
    code: "forbidden",
  });
  await between.close();
  await proxy.close();
});

test("an identity that ended while the machine was off renews by its old key; a revoked one does not", async () => {
  t.clock.nowMs -= 40 * dayMs;
  const [folder, revoked] = [stateDir(), stateDir()];
  await run(folder);
  await run(revoked);
  t.clock.nowMs += 40 * dayMs;
  const idOf = (dir: string) => (JSON.parse(readFileSync(join(dir, "agent.json"), "utf8")) as { agentId: string }).agentId;
  await revokeServer({ ctx: t.ctx, principal: t.principal, input: { serverId: idOf(revoked) } });

  const gateway = identifyAgent(t.ctx);
  const current = async () => gateway.identify(new X509Certificate((await loadCredentials(folder))[0]?.certificatePem ?? ""));
  expect(await current()).toMatchObject({ refusal: { reason: "expired" } });
  await renewExpired({ stateDir: folder });
  expect((await loadCredentials(folder))[0]?.staged).toBe(true);
  await promoteCredentials(folder);
  expect(await current()).toMatchObject({ identity: { serverId: idOf(folder) } });
  gateway.close();
  await expect(renewExpired({ stateDir: revoked })).rejects.toThrow(/was revoked/);
});

const post = (path: string, body: Buffer, headers: Record<string, string> = {}) =>
  new Promise<number>((resolve, reject) => {
    const req = request(
      {
        host: "127.0.0.1",
        port: listener.port,
        path,
        method: "POST",
        rejectUnauthorized: false,
        agent: false,
        headers: { "content-type": "application/x-protobuf", ...headers },
      },
      (res) => {
        res.resume();
        resolve(res.statusCode ?? 0);
      },
    );
    req.on("error", reject);
    req.end(body);
  });

test("garbage, other content and oversized bodies are refused before anything is looked up", async () => {
  expect(await post("/v1/enrol", randomBytes(500))).toBe(400);
  expect(await post("/v1/renew", Buffer.alloc(0))).toBe(400);
  expect(await post("/v1/enrol", Buffer.from("{}"), { "content-type": "application/json" })).toBe(400);
  expect(await post("/v1/enrol", Buffer.alloc(65 * 1024))).toBe(400);
  expect(await post("/v1/enrol", Buffer.alloc(65 * 1024), { "transfer-encoding": "chunked" })).toBe(400);
  expect(await post("/v1/unknown", Buffer.alloc(0))).toBe(404);
});

test("one address that holds connections open and says nothing keeps nobody else out", async () => {
  const open = new Set<Socket>();
  const dial = (localAddress: string) =>
    new Promise<void>((resolve) => {
      const socket = connect({ host: "127.0.0.1", port: listener.port, localAddress });
      socket.on("connect", () => (open.add(socket), resolve()));
      socket.on("close", () => open.delete(socket));
      socket.on("error", () => resolve());
    });
  try {
    for (let i = 0; i < 520; i++) await dial("127.0.0.9");
    await expect.poll(() => open.size).toBe(500);
    expect(await run(stateDir())).not.toEqual([]); // from another address
  } finally {
    for (const socket of open) socket.destroy();
  }
});

test("one address cannot ask without end", async () => {
  const other = await listenForEnrolment({ ...t.ctx, config: { ...readConfig({}), ...t.ctx.config } });
  const asked = listener;
  listener = other;
  const statuses = [];
  for (let i = 0; i < 62; i++) statuses.push(await post("/v1/enrol", Buffer.alloc(1)));
  listener = asked;
  await other.close();
  expect(statuses.slice(0, 60)).not.toContain(429);
  expect(statuses.at(-1)).toBe(429);
});
