import { randomUUID } from "node:crypto";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AuditCheckpoint } from "@devflow/proto/audit/v1/audit";
import { pino } from "pino";
import { afterEach, describe, expect, it } from "vitest";
import { type RunningAgent, startAgent } from "../../../../agent/src/agent.ts";
import { createCheckpointKeeper } from "../../../../agent/src/features/audit/index.ts";
import { writeAgentFile } from "../../../../agent/src/state/agent-file.ts";
import { writeFirstCredentials } from "../../../../agent/src/state/credentials.ts";
import { verifyAuditCommand } from "../../admin/verify-audit.ts";
import { chainAudit } from "../../platform/audit/chain.ts";
import { type Checkpoint, checkpointColumns, checkpointFile } from "../../platform/audit/checkpoints.ts";
import { readContradictions } from "../../platform/audit/contradictions.ts";
import { writeAudit } from "../../platform/audit/index.ts";
import { acceptRestore, noteRestores } from "../../platform/audit/restores.ts";
import { noteCheckpoints } from "../../platform/audit/retention.ts";
import { verifyAudit } from "../../platform/audit/verify.ts";
import { taskSigningPublicKey } from "../../platform/crypto/index.ts";
import { registry } from "../../platform/observability/index.ts";
import { systemPrincipal } from "../../platform/auth/system-principal.ts";
import { gatewayCredentials } from "../enrolment/index.ts";
import type { TestAgent } from "../enrolment/test-agent.ts";
import { useGateway } from "../session/gateway.testkit.ts";
import { checkpointToWire as toWire } from "@devflow/rpc/audit-checkpoint";

const capabilities = ["2026-11-metrics", "2026-11-live", "2026-11-inventory", "2026-11-audit-checkpoints"];
const { context, enrolled, dial, port, advance } = useGateway();
const own = () => context().installation.defaultOrganizationId;

const write = async (count: number, organizationId = own()) => {
  for (let i = 0; i < count; i++)
    await writeAudit(context().db, systemPrincipal(organizationId), { action: "a.b", targetKind: "t", targetId: String(i) });
};
const chain = async () => {
  await noteCheckpoints(context(), await chainAudit({ ctx: context() }));
  advance(11_000); // the gateway reads the ends again
};
/** An hour later, all agents had their minute. */
const passed = () => {
  advance(3_600_000);
  context().bus.emit("bus.resumed", {});
};
const ended = async (organizationId = own()) =>
  (
    await context().sql<Checkpoint[]>`select ${checkpointColumns(context().sql)} from audit_ends where organization_id = ${organizationId}`
  )[0]!;
const contradictions = () => readContradictions({ ctx: context(), organizationId: own() });
const told = () =>
  context().sql<{ data: { sequence: number } }[]>`select data from events where type = 'audit.contradicted' order by sequence`;
const ignored = async (reason: string) =>
  (await registry.getSingleMetric("devflow_audit_claims_ignored_total")?.get())?.values.find((v) => v.labels["reason"] === reason)?.value ??
  0;

/** The log begins anew, and so does all that was told about it. */
afterEach(async () => {
  await context().sql`truncate audit_log, audit_ends, audit_contradictions, audit_checkpoints, audit_restores, events`;
  await rm(checkpointFile(context().config), { force: true });
});

const folders: string[] = [];
const running: RunningAgent[] = [];
afterEach(async () => {
  for (const agent of running.splice(0)) await agent.stop();
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

/** The agent itself with its state folder; only what it measures is left out. */
async function realAgent(identity: TestAgent, given?: string) {
  const ctx = context();
  const stateDir = given ?? (await mkdtemp(join(tmpdir(), "devflow-audited-")));
  if (given === undefined) {
    folders.push(stateDir);
    const { caPem, name } = await gatewayCredentials(ctx);
    const spki = await taskSigningPublicKey(ctx.config);
    const taskSigningPem = `-----BEGIN PUBLIC KEY-----\n${spki.toString("base64")}\n-----END PUBLIC KEY-----\n`;
    await writeFirstCredentials(stateDir, {
      keyPem: identity.keyPem,
      certificatePem: identity.certificatePem,
      caPem: caPem.join(""),
      taskSigningPem,
    });
    await writeAgentFile(stateDir, {
      controllerHost: "127.0.0.1",
      gatewayPort: port(),
      enrolPort: 1,
      gatewayName: name,
      agentId: identity.agentId,
    });
  }
  const log = pino({ level: "silent" });
  const checkpoints = await createCheckpointKeeper({ stateDir, log });
  const agent = await startAgent({ stateDir, metrics: [], inventory: null, renewExpired: null, checkpoints, log, spool: { dir: null } });
  running.push(agent);
  await expect.poll(() => agent.status().state, { timeout: 10_000 }).toBe("ready");
  return {
    stateDir,
    held: () => checkpoints.status(),
    async stop() {
      running.splice(running.indexOf(agent), 1);
      await agent.stop();
    },
  };
}

async function claim(identity: TestAgent, auditCheckpoints: AuditCheckpoint[]) {
  const agent = await dial(identity);
  agent.hello({ capabilities, auditCheckpoints });
  return agent;
}

describe("an agent that holds checkpoints", () => {
  it("tells within a reconnect when the log's tail was cut off and the checkpoint file put back to an older one", async () => {
    const ctx = context();
    await write(3);
    await chain();
    const older = `${checkpointFile(ctx.config)}.older`;
    await copyFile(checkpointFile(ctx.config), older);
    const { sequence: kept } = await ended();
    await write(3);
    await chain();
    const identity = await enrolled();
    const agent = await realAgent(identity);
    const newest = await ended();
    await expect.poll(() => agent.held().newest?.sequence).toBe(newest.sequence);
    await agent.stop();

    await ctx.sql`delete from audit_log where sequence > ${kept}`;
    await copyFile(older, checkpointFile(ctx.config));
    await rm(older);
    // Nothing on this machine shows it, and the log goes on as if nothing had been.
    await ctx.sql`delete from audit_ends`;
    await write(2);
    await chain();
    expect(await verifyAudit({ ctx, input: { organizationId: own() } })).toMatchObject({ problem: null, contradictions: [] });

    const again = await realAgent(identity, agent.stateDir);
    await expect.poll(contradictions, { timeout: 5_000 }).toMatchObject([
      {
        checkpoint: { sequence: newest.sequence, serverId: identity.agentId, serverName: "web-1" },
        reason: expect.stringContaining("are gone") as string,
      },
    ]);
    expect(await verifyAudit({ ctx, input: { organizationId: own() } })).toMatchObject({
      problem: { sequence: newest.sequence, reason: expect.stringContaining("are gone, which server web-1 holds") as string },
      contradictions: [{ server: { id: identity.agentId, name: "web-1" }, sequence: newest.sequence }],
    });
    expect(await told()).toMatchObject([{ data: { sequence: newest.sequence } }]);
    // Once, whoever and however often.
    await again.stop();
    await realAgent(identity, agent.stateDir);
    await claim(await enrolled(), [toWire(newest)]);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(await told()).toHaveLength(1);
  });

  it("tells when a row was edited and everything behind it chained and signed anew", async () => {
    const ctx = context();
    await write(5);
    await chain();
    const identity = await enrolled();
    const agent = await realAgent(identity);
    const newest = await ended();
    await expect.poll(() => agent.held().newest?.sequence).toBe(newest.sequence);
    await agent.stop();

    await ctx.sql`update audit_log set actor_name = 'nobody' where sequence = ${newest.sequence - 2}`;
    await ctx.sql`update audit_log set hash = null`;
    await ctx.sql`delete from audit_ends`;
    await rm(checkpointFile(ctx.config));
    await write(1);
    await chain();
    expect(await verifyAudit({ ctx, input: { organizationId: own() } })).toMatchObject({ problem: null });

    await realAgent(identity, agent.stateDir);
    await expect
      .poll(contradictions, { timeout: 5_000 })
      .toMatchObject([{ checkpoint: { sequence: newest.sequence }, reason: expect.stringContaining("another one than at") as string }]);
  });

  it("keeps what it holds when the log went back, and says so", async () => {
    const ctx = context();
    await write(4);
    await chain();
    const identity = await enrolled();
    const agent = await realAgent(identity);
    const newest = await ended();
    await expect.poll(() => agent.held().newest?.sequence).toBe(newest.sequence);
    await agent.stop();
    await ctx.sql`delete from audit_log where sequence >= ${newest.sequence - 1}`;
    await ctx.sql`delete from audit_ends`;
    const inTwoHours = { ...ctx, clock: { now: () => ctx.clock.now() + 7_200_000 } };
    await ctx.sql`update audit_log set hash = null`;
    await noteCheckpoints(inTwoHours, await chainAudit({ ctx }));
    advance(11_000);
    expect((await ended()).sequence).toBeLessThan(newest.sequence);

    const other = await realAgent(identity, agent.stateDir);
    await expect.poll(() => other.held().refused, { timeout: 5_000 }).toContain("went back");
    expect(other.held().newest?.sequence).toBe(newest.sequence);
  });

  it("gets a newer one at its minute of the hour, once, and answers with the one before", async () => {
    const ctx = context();
    await write(2);
    await chain();
    const first = await ended();
    const identity = await enrolled();
    const agent = await claim(identity, []);
    expect((await agent.expect("welcome")).value.auditCheckpoint).toMatchObject({ sequence: BigInt(first.sequence) });
    await write(2);
    const inTwoHours = { ...ctx, clock: { now: () => ctx.clock.now() + 7_200_000 } };
    await noteCheckpoints(inTwoHours, await chainAudit({ ctx }));
    passed();
    expect((await agent.expect("auditCheckpoint")).value).toMatchObject({ sequence: BigInt((await ended()).sequence) });
    passed();
    expect(agent.received.filter((m) => m.case === "auditCheckpoint")).toHaveLength(1);

    // The log is written anew between the two: the answer to the offer tells.
    await ctx.sql`delete from audit_log where sequence <= ${first.sequence}`;
    agent.say({ case: "auditReport", value: { held: [toWire(first)] } });
    await expect.poll(async () => (await contradictions()).map((c) => c.checkpoint.sequence), { timeout: 5_000 }).toContain(first.sequence);
  });
});

describe("SECURITY: a hostile agent cannot make the log look changed", () => {
  it("claims without a signature, of another organisation, or that are none count for nothing and are counted", async () => {
    const ctx = context();
    await write(3);
    const [row] = await ctx.sql<{ id: string }[]>`insert into organizations (name) values ('Other') returning id`;
    await write(1, row!.id);
    await chain();
    const newest = await ended();
    const foreign = await ended(row!.id);
    await ctx.sql`delete from audit_log where organization_id = ${row!.id}`;
    const before = { unsigned: await ignored("unsigned"), foreign: await ignored("foreign"), malformed: await ignored("malformed") };
    const agent = await claim(await enrolled(), [
      toWire({ ...newest, hash: "cd".repeat(32) }),
      toWire(foreign),
      { ...toWire(newest), hash: new Uint8Array(3) },
    ]);
    await agent.expect("welcome");
    await expect
      .poll(async () => [await ignored("unsigned"), await ignored("foreign"), await ignored("malformed")], { timeout: 5_000 })
      .toEqual([before.unsigned + 1, before.foreign + 1, before.malformed + 1]);
    expect(await contradictions()).toEqual([]);
    expect(await readContradictions({ ctx, organizationId: row!.id })).toEqual([]);
    expect(await told()).toEqual([]);
    await ctx.sql`delete from organizations where id = ${row!.id}`;
  });

  it("an honest claim counts beside a forged one with the same hash, and what retention removed is silent", async () => {
    const ctx = context();
    await write(3);
    await chain();
    const newest = await ended();
    const forged = { ...newest, signature: Buffer.alloc(64).toString("base64") };
    await ctx.sql`delete from audit_log`;
    await Promise.all([claim(await enrolled(), [toWire(forged)]), claim(await enrolled(), [toWire(newest)])]);
    await expect.poll(async () => (await contradictions()).length, { timeout: 5_000 }).toBe(1);
  });

  it("more than three at once end the session", async () => {
    const agent = await claim(
      await enrolled(),
      Array.from({ length: 4 }, () =>
        toWire({
          organizationId: randomUUID(),
          sequence: 1,
          hash: "ab".repeat(32),
          at: new Date(0).toISOString(),
          signature: Buffer.alloc(64).toString("base64"),
        }),
      ),
    );
    expect((await agent.refused()).details).toContain("at most 3 audit checkpoints");
  });
});

describe("a restore from a backup", () => {
  it("is accepted once it was said: older checkpoints are silent, what comes later is not", async () => {
    const ctx = context();
    await write(3);
    await chain();
    const backup = await ended();
    await write(3);
    await chain();
    const lost = await ended();
    await ctx.sql`delete from audit_log where sequence > ${backup.sequence}`;
    await claim(await enrolled(), [toWire(lost)]);
    await expect.poll(async () => (await contradictions()).length, { timeout: 5_000 }).toBe(1);

    const restores = await acceptRestore({ ctx });
    expect(restores).toMatchObject([{ organizationId: own(), afterSequence: backup.sequence }]);
    await noteRestores({ ...ctx, restores });
    await chain();
    expect(await contradictions()).toEqual([]);
    expect(await verifyAudit({ ctx, input: { organizationId: own() } })).toMatchObject({
      problem: null,
      contradictions: [],
      restores: [{ afterSequence: backup.sequence }],
    });
    expect(await ctx.sql`select action from audit_log order by sequence desc limit 1`).toEqual([{ action: "audit.accept-restore" }]);

    // What was there before the backup is not silent, and a mark that nobody signed silences nothing.
    await ctx.sql`update audit_log set hash = repeat('ab', 32) where sequence = ${backup.sequence}`;
    await claim(await enrolled(), [toWire(backup)]);
    await expect
      .poll(async () => (await contradictions()).map((c) => c.checkpoint.sequence), { timeout: 5_000 })
      .toEqual([backup.sequence]);
    await ctx.sql`update audit_restores set after_sequence = 0`;
    expect(await contradictions()).toHaveLength(1);
  });
});

describe("devflow admin verify-audit --checkpoint", () => {
  it("checks the log against what a server printed", async () => {
    const ctx = context();
    await write(3);
    await chain();
    const newest = await ended();
    const file = join(ctx.config.dataDir, "held.ndjson");
    const run = async (text: string) => {
      await writeFile(file, text);
      const said: string[] = [];
      const code = await verifyAuditCommand.run({
        args: ["--checkpoint", file],
        config: ctx.config,
        database: ctx,
        log: ctx.log,
        say: (line) => void said.push(line),
      });
      return { code, said: said.join("\n") };
    };
    const held = `${JSON.stringify({ ...newest, receivedAt: newest.at })}\n`;
    expect(await run(held)).toMatchObject({ code: 0, said: expect.stringContaining("ok ") as string });
    expect(await run(held.replace(newest.hash, "cd".repeat(32)))).toMatchObject({
      code: 1,
      said: expect.stringContaining("not signed") as string,
    });
    await expect(run("hello\n")).rejects.toThrow("line 1 is no checkpoint");
    await ctx.sql`delete from audit_log where sequence = ${newest.sequence}`;
    await rm(checkpointFile(ctx.config));
    await write(2);
    await chain();
    expect(await run(held)).toMatchObject({
      code: 1,
      said: expect.stringContaining(`at row ${newest.sequence}: Rows up to this one`) as string,
    });
    expect((await readFile(file, "utf8")).length).toBeGreaterThan(0);
  });
});
