import { once } from "node:events";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { setTimeout as sleep } from "node:timers/promises";
import { TelemetryService } from "@devflow/proto/metrics/v1/metrics";
import { SessionService } from "@devflow/proto/session/v1/session";
import { clientOf } from "@devflow/rpc";
import { credentials, status, type ServiceError } from "@grpc/grpc-js";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createGateway, type IdentityAnswer, type RunningGateway } from "./index.ts";
import { createTestCa, type TestKeyPair } from "./pki.testkit.ts";

const identities = new Map<string, IdentityAnswer>();
const refused: string[] = [];
let ca: Awaited<ReturnType<typeof createTestCa>>;
let serverPair: TestKeyPair;
let gateway: RunningGateway;
let port: number;
let handled = 0;
let identifyDelayMs = 0;

const make = (extra: Partial<Parameters<typeof createGateway>[0]> = {}): RunningGateway => {
  const made = createGateway({
    credentials: { privateKeyPem: serverPair.keyPem, certificateChainPem: serverPair.certPem, caPem: [ca.caPem] },
    identify: async (certificate) => {
      await sleep(identifyDelayMs);
      return identities.get(certificate.serialNumber) ?? { refusal: { reason: "unknown", message: "no such identity" } };
    },
    log: pino({ level: "silent" }),
    onRefused: (why) => refused.push(why),
    handshakeTimeoutMs: 500,
    idleTimeoutMs: 1000,
    ...extra,
  });
  made.service(SessionService, {
    connect(call) {
      handled++;
      const { serial } = made.identityOf(call);
      call.on("data", () => call.write({ message: { case: "welcome", value: { serverName: serial } } }));
      call.on("end", () => call.end());
      call.on("error", () => undefined);
    },
  });
  return made;
};

const clientFor = (pair: TestKeyPair | null, toPort = port, extra: Record<string, number> = {}) =>
  new (clientOf(SessionService))(
    `127.0.0.1:${toPort}`,
    credentials.createSsl(
      Buffer.from(ca.caPem),
      pair === null ? null : Buffer.from(pair.keyPem),
      pair === null ? null : Buffer.from(pair.certPem),
    ),
    { "grpc.ssl_target_name_override": "gateway.test", "grpc.enable_retries": 0, ...extra },
  );

/** The server name of the Welcome, or the error. */
const greet = async (pair: TestKeyPair | null, hostname = "x", toPort = port): Promise<string | ServiceError> => {
  const client = clientFor(pair, toPort);
  const call = client.connect();
  try {
    return await new Promise((resolve) => {
      call.on("data", (r) => resolve(r.message.case === "welcome" ? r.message.value.serverName : "?"));
      call.on("error", (error) => resolve(error as ServiceError));
      call.write({ message: { case: "hello", value: { hostname } } });
    });
  } finally {
    call.cancel();
    client.close();
  }
};

/** Resolves when a socket is closed, also by a reset. */
const gone = (socket: Socket): Promise<unknown> => new Promise((resolve) => socket.once("close", resolve));

const know = async (name: string): Promise<TestKeyPair> => {
  const pair = await ca.issue(name, "client");
  identities.set(pair.serial, { identity: { serverId: name, serverNo: identities.size + 1, organizationId: "o", serial: pair.serial } });
  return pair;
};

beforeAll(async () => {
  ca = await createTestCa();
  serverPair = await ca.issue("gateway.test", "server");
  gateway = make();
  port = await gateway.listen("127.0.0.1", 0);
});
afterAll(() => gateway.drain(100));

describe("the gateway", () => {
  it("gives each call the identity of its own connection, also when identities come late", async () => {
    const pairs = await Promise.all([know("a"), know("b"), know("c")]);
    identifyDelayMs = 100;
    const names = await Promise.all([...pairs, ...pairs].map((pair) => greet(pair)));
    identifyDelayMs = 0;
    expect(names).toEqual([...pairs, ...pairs].map((pair) => pair.serial));
  });

  it("refuses in the handshake who has no certificate, a foreign one or an expired one, and runs no handler", async () => {
    const foreign = await (await createTestCa("test CA")).issue("a", "client");
    const expired = await ca.issue("a", "client", {
      notBefore: new Date(Date.now() - 7_200_000),
      notAfter: new Date(Date.now() - 3_600_000),
    });
    identities.set(expired.serial, { identity: { serverId: "a", serverNo: 1, organizationId: "o", serial: expired.serial } });
    identities.set(foreign.serial, { identity: { serverId: "a", serverNo: 1, organizationId: "o", serial: foreign.serial } });
    const before = handled;
    for (const pair of [null, foreign, expired]) expect((await greet(pair)) as ServiceError).toMatchObject({ code: status.UNAVAILABLE });
    expect(handled).toBe(before);
  });

  it("refuses a server's certificate used as an agent's", async () => {
    identities.set(serverPair.serial, { identity: { serverId: "a", serverNo: 1, organizationId: "o", serial: serverPair.serial } });
    expect((await greet(serverPair)) as ServiceError).toMatchObject({ code: status.UNAVAILABLE });
  });

  it("tells a revoked or unknown agent why, before any handler runs", async () => {
    const unknown = await ca.issue("never enrolled", "client");
    const revoked = await ca.issue("gone", "client");
    identities.set(revoked.serial, { refusal: { reason: "revoked", message: "removed by ada@example.com" } });
    const before = handled;
    expect((await greet(unknown)) as ServiceError).toMatchObject({ code: status.PERMISSION_DENIED, details: "unknown: no such identity" });
    expect((await greet(revoked)) as ServiceError).toMatchObject({
      code: status.PERMISSION_DENIED,
      details: "revoked: removed by ada@example.com",
    });
    expect(handled).toBe(before);
  });

  it("speaks TLS 1.3 and HTTP/2 only", async () => {
    const pair = await know("old");
    const old = connectTls({
      port,
      host: "127.0.0.1",
      ca: ca.caPem,
      key: pair.keyPem,
      cert: pair.certPem,
      servername: "gateway.test",
      maxVersion: "TLSv1.2",
    });
    expect(((await once(old, "error")) as Error[])[0]?.message).toMatch(/version|handshake/i);
    const noAlpn = connectTls({ port, host: "127.0.0.1", ca: ca.caPem, key: pair.keyPem, cert: pair.certPem, servername: "gateway.test" });
    noAlpn.resume();
    await once(noAlpn, "close");
  });

  it("cuts off garbage, silence and slow handshakes, and stays usable", async () => {
    const garbage = connectTcp(port, "127.0.0.1");
    garbage.write("GET / HTTP/1.1\r\n\r\n");
    garbage.on("error", () => undefined).resume();
    const silent = connectTcp(port, "127.0.0.1")
      .on("error", () => undefined)
      .resume();
    const slow = connectTcp(port, "127.0.0.1")
      .on("error", () => undefined)
      .resume();
    const drip = setInterval(() => slow.write(Buffer.of(22)), 100);
    await Promise.all([gone(garbage), gone(silent), gone(slow)]);
    clearInterval(drip);
    expect(typeof (await greet(await know("after garbage")))).toBe("string");
  });

  it("cuts off garbage and silence after the handshake", async () => {
    const pair = await know("noisy");
    const tlsOptions = {
      port,
      host: "127.0.0.1",
      ca: ca.caPem,
      key: pair.keyPem,
      cert: pair.certPem,
      servername: "gateway.test",
      ALPNProtocols: ["h2"],
    };
    const noisy = connectTls(tlsOptions)
      .on("error", () => undefined)
      .resume();
    await once(noisy, "secureConnect");
    noisy.write(Buffer.alloc(100_000, "x"));
    const silent = connectTls(tlsOptions)
      .on("error", () => undefined)
      .resume();
    await Promise.all([once(noisy, "close"), once(silent, "close")]);
    expect([noisy.destroyed, silent.destroyed]).toEqual([true, true]);
  });

  it("resumes no TLS session: a certificate that was revoked meanwhile would not be seen again", async () => {
    const pair = await know("resuming");
    const options = {
      port,
      host: "127.0.0.1",
      ca: ca.caPem,
      key: pair.keyPem,
      cert: pair.certPem,
      servername: "gateway.test",
      ALPNProtocols: ["h2"],
    };
    const first = connectTls(options).on("error", () => undefined);
    const [session] = (await once(first.resume(), "session")) as [Buffer];
    first.destroy();
    const second = connectTls({ ...options, session }).on("error", () => undefined);
    await once(second.resume(), "secureConnect");
    expect(second.isSessionReused()).toBe(false);
    second.destroy();
  });

  it("reads hardly ahead of a handler that has paused", async () => {
    const tight = make();
    let paused = false;
    tight.service(TelemetryService, {
      push(call) {
        call
          .on("error", () => undefined)
          .on("data", () => {
            call.pause();
            paused = true;
          });
      },
      live: (call) => call.end(),
    });
    const tightPort = await tight.listen("127.0.0.1", 0);
    const pair = await know("flood");
    const client = new (clientOf(TelemetryService))(
      `127.0.0.1:${tightPort}`,
      credentials.createSsl(Buffer.from(ca.caPem), Buffer.from(pair.keyPem), Buffer.from(pair.certPem)),
      { "grpc.ssl_target_name_override": "gateway.test", "grpc.enable_retries": 0 },
    );
    const call = client.push().on("error", () => undefined);
    let taken = 0;
    const next = (): void => void call.write({ spoolId: "x".repeat(900_000) }, undefined, () => (taken++, next()));
    next();
    for (let before = -1; before !== taken || !paused;) {
      before = taken;
      await sleep(300);
    }
    // What a client may count as sent lies in windows and in the one message that is ready.
    expect(taken).toBeLessThanOrEqual(4);
    call.cancel();
    client.close();
    await tight.drain(10);
  });

  it("ends a stream whose message is over 1 MiB and keeps the process", async () => {
    const error = await greet(await know("large"), "x".repeat(1024 * 1024 + 1));
    expect(error).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
  });

  it("refuses streams beyond its bound until others end", async () => {
    const client = clientFor(await know("many streams"));
    const first = client.connect();
    await new Promise((resolve) => {
      first.once("data", resolve);
      first.write({ message: { case: "hello", value: {} } });
    });
    const before = handled;
    const calls = Array.from({ length: 60 }, () => client.connect().on("error", () => undefined));
    for (const call of calls) call.write({ message: { case: "hello", value: {} } });
    await sleep(300);
    expect(handled - before).toBeLessThanOrEqual(31);
    for (const call of [first, ...calls]) call.on("error", () => undefined).cancel();
    client.close();
  });

  it("limits connections by address before the handshake", async () => {
    const tight = make({ limits: { total: 10, unprovenPerAddress: 2, perAddress: 10 } });
    const tightPort = await tight.listen("127.0.0.1", 0);
    const held = [connectTcp(tightPort, "127.0.0.1"), connectTcp(tightPort, "127.0.0.1")];
    for (const socket of held) socket.on("error", () => undefined).resume();
    await Promise.all(held.map((socket) => once(socket, "connect")));
    await sleep(50);
    const third = connectTcp(tightPort, "127.0.0.1")
      .on("error", () => undefined)
      .resume();
    await once(third, "close");
    expect(refused.at(-1)).toBe("limit");
    await Promise.all(held.map((socket) => once(socket, "close")));
    await sleep(50);
    expect(typeof (await greet(await know("proven"), "x", tightPort))).toBe("string");
    await tight.drain(100);
  });

  it("counts sockets down to none, and closes connections on demand with the reason", async () => {
    const pair = await know("closing");
    const client = clientFor(pair);
    const call = client.connect();
    const failed = new Promise((resolve) => call.on("error", () => undefined).once("status", resolve));
    await new Promise((resolve) => {
      call.once("data", resolve);
      call.write({ message: { case: "hello", value: {} } });
    });
    const connection = [...gateway.connections()].find((c) => c.identity.serial === pair.serial);
    const reason = new Promise((resolve) => connection?.onClose(resolve));
    connection?.close("revoked");
    expect(await reason).toBe("revoked");
    await failed;
    client.close();
    await expect.poll(() => gateway.openSockets, { timeout: 5000 }).toBe(0);
    expect([...gateway.connections()]).toEqual([]);
  });

  it("drains: runs the handlers, then closes what is left", async () => {
    const other = make();
    const otherPort = await other.listen("127.0.0.1", 0);
    const client = clientFor(await know("draining"), otherPort);
    const call = client.connect().on("error", () => undefined);
    await new Promise((resolve) => {
      call.once("data", resolve);
      call.write({ message: { case: "hello", value: {} } });
    });
    let ran = false;
    other.onDrain(async () => {
      await sleep(50);
      ran = true;
    });
    const ended = new Promise((resolve) => call.once("status", resolve));
    await other.drain(5000);
    expect(ran).toBe(true);
    await ended;
    client.close();
    expect(await greet(await know("late"), "x", otherPort)).toMatchObject({ code: status.UNAVAILABLE });
  });
});
