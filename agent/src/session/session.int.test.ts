import { createPublicKey, generateKeyPairSync, verify, X509Certificate } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RejectionReason } from "@devflow/proto/metrics/v1/metrics";
import { status } from "@grpc/grpc-js";
import { pino } from "pino";
import { afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { createTestCa } from "../../../controller/src/platform/rpc/pki.testkit.ts";
import { writeAgentFile } from "../state/agent-file.ts";
import { writeFirstCredentials } from "../state/credentials.ts";
import { SettledClock } from "./clock.ts";
import { encodeBatch } from "./sender.ts";
import { Session, type SessionParts } from "./session.ts";
import { Spool } from "./spool/spool.ts";
import { SteadyClock } from "./steady-clock.ts";
import { commitAll, startTestGateway, type TestGatewayOptions, type TestPair } from "./test-gateway.ts";

const agentId = "0d5bd2c2-1c33-4d39-8a3c-5d1f2c1f0a01";
const bootId = "1d5bd2c2-1c33-4d39-8a3c-5d1f2c1f0a02";
const DAY = 86_400_000;
let ca: Awaited<ReturnType<typeof createTestCa>>;
let gatewayPair: TestPair;
beforeAll(async () => {
  ca = await createTestCa();
  gatewayPair = await ca.issue("gateway.test", "server");
});

let stateDir: string;
let spool: Spool;
let steady: SteadyClock;
const clean: (() => unknown)[] = [];
beforeEach(async () => {
  stateDir = mkdtempSync(join(tmpdir(), "devflow-session-"));
  spool = await Spool.open({ dir: join(stateDir, "spool") });
  steady = await SteadyClock.start();
});
afterEach(async () => {
  for (const end of clean.splice(0).toReversed()) await end();
  await spool.close();
  rmSync(stateDir, { recursive: true });
});

async function gateway(options: Partial<TestGatewayOptions> = {}) {
  const started = await startTestGateway({ caPem: ca.caPem, pair: gatewayPair, ...options });
  clean.push(() => started.kill());
  return started;
}

async function session(
  gatewayPort: number,
  {
    dates = {},
    taskKey,
    clock,
    ...parts
  }: Partial<SessionParts> & { dates?: { notBefore?: Date; notAfter?: Date }; taskKey?: string } = {},
) {
  const agent = { controllerHost: "127.0.0.1", gatewayPort, enrolPort: 1, gatewayName: "gateway.test", agentId };
  const pair = await ca.issue(agentId, "client", dates);
  await writeAgentFile(stateDir, agent);
  await writeFirstCredentials(stateDir, {
    keyPem: pair.keyPem,
    certificatePem: pair.certPem,
    caPem: ca.caPem,
    taskSigningPem: taskKey ?? "",
  });
  const started = new Session({
    stateDir,
    agent,
    agentVersion: "0.1.0",
    spool,
    clock: clock ?? new SettledClock({ offsetMs: Date.now() - steady.now(), settled: false }),
    steady,
    bootId,
    log: pino({ level: "silent" }),
    renewExpired: null,
    checkpoints: null,
    onClockMoved: () => undefined,
    ...parts,
  });
  clean.push(() => started.stop());
  started.start();
  return started;
}

/** Puts batches into the spool; the first one started `startS` ago by the machine's clock. */
function record(n: number, { ago = n * 10, settled = true, boot = bootId } = {}) {
  return Array.from({ length: n }, (_, i) => {
    const endMs = steady.now() - ago * 1000 + (i + 1) * 10_000;
    const timeS = Math.floor((Date.now() / 1000 - ago) / 10) * 10 + i * 10;
    return spool.append(
      { timeS, settled, encode: (sequence) => encodeBatch({ sequence, timeS, bootId: boot, endMs, samples: 10, families: [] }) },
      null,
    );
  });
}

const until = (check: () => unknown) => vi.waitFor(() => expect(check()).toBeTruthy(), { timeout: 60_000, interval: 20 });

test("says who it is, settles its clock, and empties the spool", async () => {
  const remote = await gateway();
  const sequences = record(40);
  const agent = await session(remote.port);
  await until(() => spool.status.batches === 0);
  expect(remote.hellos).toMatchObject([{ agentVersion: "0.1.0", bootId, spoolId: spool.spoolId }]);
  expect(remote.batches.map((batch) => Number(batch.sequence)).toSorted((a, b) => a - b)).toEqual(sequences);
  expect(agent.state).toBe("ready");
  expect(agent.serverName).toBe("web-1");
  expect(agent.tally).toMatchObject({ committed: 40, rejected: 0 });
  expect(JSON.parse(readFileSync(join(stateDir, "clock.json"), "utf8"))).toMatchObject({ bootId });
  await until(() => remote.messages.some((message) => message.case === "spoolReport"));
});

test("fresh batches go first, the backlog oldest first behind them, marked as such", async () => {
  const remote = await gateway();
  const sequences = record(40);
  await session(remote.port);
  await until(() => spool.status.batches === 0);
  const sent = remote.batches.map((batch) => [Number(batch.sequence), batch.backfill] as const);
  expect(sent.slice(0, 6)).toEqual(sequences.slice(-6).map((sequence) => [sequence, false]));
  expect(sent.slice(6)).toEqual(sequences.slice(0, -6).map((sequence) => [sequence, true]));
});

test("never more in flight than Welcome allows", async () => {
  const remote = await gateway({ welcome: () => ({ maxBatchesInFlight: 4 }), onPush: () => null });
  record(40);
  await session(remote.port);
  await until(() => remote.batches.length === 4);
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(remote.batches).toHaveLength(4);
});

test("answers come as ranges; a refused batch is given up and blocks nothing", async () => {
  const rejected: bigint[] = [];
  const remote = await gateway({
    onPush: ({ batches }) => {
      const bad = batches.filter(({ sequence }) => sequence % 7n === 0n);
      rejected.push(...bad.map(({ sequence }) => sequence));
      const first = batches[0]?.sequence ?? 1n;
      const reject = bad.map(({ sequence }) => ({ sequence, reason: RejectionReason.TOO_OLD, detail: "80 h" }));
      return { rejected: reject, committed: [{ first, last: batches.at(-1)?.sequence ?? first }] };
    },
  });
  record(40);
  const agent = await session(remote.port);
  await until(() => spool.status.batches === 0);
  // The range spans the refused ones too: what is settled first counts, and all are settled once.
  expect(agent.tally.committed + agent.tally.rejected).toBe(40);
  expect(rejected.length).toBeGreaterThan(3);
});

test("backfill waits as long as the gateway asks; fresh batches do not", async () => {
  const remote = await gateway({ onPush: (request) => ({ ...commitAll(request), backfillDelayMs: 60_000 }) });
  record(40);
  const agent = await session(remote.port);
  // What was sent before the first answer could not know; on a busy machine that may be nothing.
  await until(() => agent.tally.committed >= 6);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  await until(() => agent.tally.committed === remote.batches.length);
  const backlog = spool.status.batches;
  expect(backlog).toBeGreaterThan(0);
  const [fresh] = record(1, { ago: 0 });
  agent.wake();
  await until(() => Number(remote.batches.at(-1)?.sequence) === fresh);
  await until(() => spool.status.batches === backlog);
});

test("a gateway that is killed comes back: what was not answered is sent again, what was is not", async () => {
  const first = await gateway({ onPush: (request) => (request.batches[0]?.backfill ? null : commitAll(request)) });
  record(20);
  const agent = await session(first.port);
  await until(() => spool.status.batches === 14 && first.batches.length === 20);
  first.kill();
  await until(() => agent.state !== "ready");
  const second = await gateway({ port: first.port });
  await until(() => spool.status.batches === 0);
  expect(second.batches).toHaveLength(14);
  expect(second.hellos[0]?.spoolId).toBe(first.hellos[0]?.spoolId);
  expect(agent.lastError).toBeNull();
});

test("batches from before the first Welcome get the controller's time; those of another boot keep their estimate", async () => {
  const aheadMs = 3_600_000;
  const remote = await gateway({ welcome: () => ({ wallTimeMs: BigInt(Date.now() + aheadMs) }) });
  const [estimated] = record(1, { ago: 10, settled: false });
  const [other] = record(1, { ago: 500, settled: false, boot: "other" });
  const [settled] = record(1, { ago: 10 });
  const times = new Map([...spool.recent()].map((held) => [held.sequence, held.timeS]));
  await session(remote.port);
  await until(() => spool.status.batches === 0);
  const sent = new Map(remote.batches.map((batch) => [Number(batch.sequence), Number(batch.timeS)]));
  expect(
    Math.abs((sent.get(estimated as number) as number) - (times.get(estimated as number) as number) - aheadMs / 1000),
  ).toBeLessThanOrEqual(10);
  expect((sent.get(estimated as number) as number) % 10).toBe(0);
  expect(sent.get(other as number)).toBe(times.get(other as number));
  expect(sent.get(settled as number)).toBe(times.get(settled as number));
});

test("a batch that breaks a bound of the gateway is found out and given up; the others arrive", async () => {
  const poison = record(5)[2];
  const remote = await gateway({
    onPush: (request) =>
      request.batches.some(({ sequence }) => Number(sequence) === poison)
        ? { code: status.INVALID_ARGUMENT, details: "a bound" }
        : commitAll(request),
  });
  const agent = await session(remote.port);
  await vi.waitFor(() => expect(spool.status.batches).toBe(0), { timeout: 40_000 });
  expect(agent.tally).toMatchObject({ committed: 4, rejected: 1, lastRejection: expect.stringContaining("a bound") });
});

test.each([
  [status.PERMISSION_DENIED, "revoked: by anna", /removed or its certificate revoked/],
  [status.PERMISSION_DENIED, "cloned: two spools", /Another machine/],
  [status.PERMISSION_DENIED, "quarantined", /restored from a backup/],
  [status.FAILED_PRECONDITION, "no common capability", /too old or too new/],
])("a refusal %i %s is told in words and not asked again for a minute", async (code, details, words) => {
  const remote = await gateway({ onHello: () => ({ code, details }) });
  record(1);
  const agent = await session(remote.port);
  await until(() => agent.state === "waiting" && agent.lastError);
  expect(agent.lastError?.message).toMatch(words);
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(remote.hellos).toHaveLength(1);
  expect(remote.batches).toHaveLength(0);
  expect(spool.status.batches).toBe(1);
});

test("a gateway of another CA, or under another name, is not spoken to", async () => {
  const foreign = await createTestCa("foreign");
  const pair = await foreign.issue("gateway.test", "server");
  const remote = await gateway({ pair });
  const agent = await session(remote.port);
  await until(() => agent.lastError);
  expect(agent.lastError?.message).toMatch(/not from the CA/);
  const other = await gateway({ pair: await ca.issue("gateway.other", "server") });
  const second = await session(other.port);
  await until(() => second.lastError);
  expect(second.lastError?.message).toMatch(/another name/);
  expect([...remote.hellos, ...other.hellos]).toEqual([]);
});

test("nothing listens: told in words, tried again", async () => {
  const remote = await gateway();
  remote.kill();
  const agent = await session(remote.port);
  await until(() => agent.lastError);
  expect(agent.lastError?.message).toMatch(/Nothing listens/);
  const back = await gateway({ port: remote.port });
  await until(() => agent.state === "ready" && back.hellos.length === 1);
});

test("a Ping is answered at once with its id", async () => {
  const remote = await gateway();
  const agent = await session(remote.port);
  await until(() => agent.state === "ready");
  remote.say({ case: "ping", value: { id: 77n, wallTimeMs: BigInt(Date.now()), previousRoundTripUs: 1_500 } });
  await until(() => remote.messages.some((message) => message.case === "pong" && message.value.id === 77n));
  expect(agent.roundTripMs).toBe(1.5);
});

test("live frames flow only while the controller wants them, and begin with the seconds before", async () => {
  const remote = await gateway();
  const agent = await session(remote.port);
  await until(() => agent.state === "ready");
  const rows = { $typeName: "devflow.metrics.v1.FamilyRows", family: 1, columns: 0, instances: [""], cells: new Uint8Array() } as const;
  const frame = (atMs = Date.now()) => agent.sendLive(atMs, [{ bytes: 1, encode: () => [{ ...rows, instances: [""] }] }]);
  const nowMs = Date.now();
  for (const agoMs of [3_000, 2_000, 1_000]) frame(nowMs - agoMs);
  expect(remote.frames).toHaveLength(0);
  remote.say({ case: "liveMode", value: { on: true } });
  await until(() => remote.frames.length === 3);
  expect(remote.frames.map((request) => nowMs - Number(request.readAtMs))).toEqual([3_000, 2_000, 1_000]);
  const timer = setInterval(() => frame(), 10);
  clean.push(() => clearInterval(timer));
  await until(() => remote.frames.length > 5);
  remote.say({ case: "liveMode", value: { on: false } });
  await new Promise((resolve) => setTimeout(resolve, 200));
  const seen = remote.frames.length;
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(remote.frames.length).toBe(seen);
});

test("a draining gateway gets no new batch, and is dialled again", async () => {
  const remote = await gateway();
  const agent = await session(remote.port);
  await until(() => agent.state === "ready");
  remote.say({ case: "drain", value: { reconnectAfterMs: 50 } });
  await until(() => remote.hellos.length === 2);
  await until(() => agent.state === "ready");
  expect(agent.lastError).toBeNull();
});

test("a stopping agent sends what waits and says Goodbye", async () => {
  const remote = await gateway();
  const agent = await session(remote.port);
  await until(() => agent.state === "ready");
  record(2);
  await agent.stop();
  expect(remote.batches).toHaveLength(2);
  expect(remote.messages.at(-1)).toMatchObject({ case: "goodbye", value: { reason: "stop" } });
  expect(agent.state).toBe("stopped");
});

test("at two thirds of its lifetime the certificate is renewed for a new key, proven by a connection, then made current", async () => {
  const proofs: boolean[] = [];
  const remote = await gateway({
    onMessage: (message, call) => {
      if (message.case !== "renewCertificate") return;
      const { publicKey, proof } = message.value;
      const key = createPublicKey({ key: Buffer.from(publicKey), format: "der", type: "spki" });
      proofs.push(verify("sha256", Buffer.concat([Buffer.from(`devflow-renew-v1\0${agentId}\0`), publicKey]), key, proof));
      void ca
        .issueFor(agentId, key.export({ type: "spki", format: "pem" }) as string)
        .then((certificatePem) => call.write({ message: { case: "renewCertificate", value: { certificatePem } } }));
    },
  });
  const agent = await session(remote.port, {
    dates: { notBefore: new Date(Date.now() - 25 * DAY), notAfter: new Date(Date.now() + 5 * DAY) },
  });
  const before = new X509Certificate(readFileSync(join(stateDir, "cert.pem"))).serialNumber;
  await until(() => remote.hellos.length === 2 && agent.state === "ready");
  expect(proofs).toEqual([true]);
  const after = new X509Certificate(readFileSync(join(stateDir, "cert.pem")));
  expect(after.serialNumber).not.toBe(before);
  expect(existsSync(join(stateDir, "next"))).toBe(false);
});

test("an expired identity asks the enrolment listener before it dials", async () => {
  const remote = await gateway();
  let asked = 0;
  const agent = await session(remote.port, {
    dates: { notBefore: new Date(Date.now() - 40 * DAY), notAfter: new Date(Date.now() - 10 * DAY) },
    renewExpired: async () => {
      asked++;
      const pair = await ca.issue(agentId, "client");
      await writeFirstCredentials(stateDir, { keyPem: pair.keyPem, certificatePem: pair.certPem, caPem: ca.caPem, taskSigningPem: "" });
    },
  });
  await until(() => agent.state === "ready");
  expect(asked).toBe(1);
});

test("an expired identity that cannot be renewed waits for minutes, and says why", async () => {
  const remote = await gateway();
  let asked = 0;
  const agent = await session(remote.port, {
    dates: { notBefore: new Date(Date.now() - 40 * DAY), notAfter: new Date(Date.now() - 10 * DAY) },
    clock: new SettledClock({ offsetMs: Date.now() - steady.now(), settled: true }),
    renewExpired: async () => {
      asked++;
      throw new Error("the server was revoked");
    },
  });
  await until(() => agent.state === "waiting" && agent.lastError !== null);
  // The ordinary back-off would have tried again by now.
  await new Promise((resolve) => setTimeout(resolve, 3_500));
  expect(asked).toBe(1);
  expect(agent.lastError?.message).toContain("could not be renewed: the server was revoked");
});

test("another task-signing key without the old key's signature is not pinned, and metrics go on", async () => {
  const pinned = generateKeyPairSync("ed25519").publicKey.export({ type: "spki", format: "pem" }) as string;
  const stranger = generateKeyPairSync("ed25519").publicKey;
  const remote = await gateway({
    welcome: () => ({ taskSigningKey: stranger.export({ type: "spki", format: "der" }), taskSigningKeySignature: Buffer.alloc(64) }),
  });
  record(1);
  const agent = await session(remote.port, { taskKey: pinned });
  await until(() => spool.status.batches === 0);
  expect(agent.refusedTrust).toEqual([expect.stringContaining("another task-signing key")]);
  expect(readFileSync(join(stateDir, "task-signing.pub"), "utf8")).toBe(pinned);
});
