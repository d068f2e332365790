import { X509Certificate } from "node:crypto";
import { desc, eq } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { auditLog } from "../../platform/audit/schema.ts";
import { organizations } from "../../platform/auth/schema.ts";
import { servers } from "../servers/schema.ts";
import { authority } from "./authority.ts";
import { makeAgentCertificate, newSerial } from "./certificates.ts";
import { createToken } from "./create-token.ts";
import { deleteServer } from "./delete-server.ts";
import { type AgentIdentifier, identifyAgent } from "./identify-agent.ts";
import { renewCertificate } from "./renew-certificate.ts";
import { renewExpired } from "./renew-expired.ts";
import { revokeServer } from "./revoke-server.ts";
import { agentUri } from "./rules.ts";
import { agentIdentities } from "./schema.ts";
import { enrolAgent, newKey, renewExpiredRequest, renewRequest, type TestAgent, toAgent } from "./test-agent.ts";
import { testContext, type TestContext } from "./test-context.ts";

const dayMs = 86_400_000;
let t: TestContext;
let gateway: AgentIdentifier;
beforeAll(async () => {
  t = await testContext();
  await authority(t.ctx);
  gateway = identifyAgent(t.ctx);
});
afterAll(async () => {
  gateway.close();
  await t.close();
});

const token = async (replacesServerId?: string) =>
  (
    await createToken({
      ctx: t.ctx,
      principal: t.principal,
      input: { requestHost: null, ...(replacesServerId !== undefined && { replacesServerId }) },
    })
  ).secret;
const newAgent = async () => enrolAgent(t.ctx, await token());
const identityOf = async (agent: TestAgent) => {
  const answer = await gateway.identify(agent.certificate);
  if (answer.identity === undefined) throw new Error(answer.refusal.message);
  return answer.identity;
};
const enrolCode = (promise: Promise<unknown>) =>
  promise.then(
    () => "renewed",
    (error: Error & { details?: { enrolCode?: string } }) => error.details?.enrolCode ?? error.message,
  );
const revoke = (serverId: string) => revokeServer({ ctx: t.ctx, principal: t.principal, input: { serverId } });
const lastAudit = async () => (await t.ctx.db.select().from(auditLog).orderBy(desc(auditLog.sequence)).limit(1))[0];

test("a certificate says who it is for and for how long, and can sign nothing", async () => {
  const { certificate, agentId } = await newAgent();
  expect(certificate.subject).toBe(`CN=${agentId}`);
  expect(certificate.subjectAltName).toBe(`URI:devflow://${t.ctx.installation.id}/1/${agentId}`);
  expect(certificate.ca).toBe(false);
  expect(certificate.keyUsage).toEqual(["1.3.6.1.5.5.7.3.2"]);
  expect(Math.round((certificate.validToDate.getTime() - t.clock.nowMs) / dayMs)).toBe(30);
  expect(Math.round((t.clock.nowMs - certificate.validFromDate.getTime()) / dayMs)).toBe(1);
  const { intermediate } = await authority(t.ctx);
  expect(certificate.verify(new X509Certificate(intermediate.certificatePem).publicKey)).toBe(true);
});

test("a known agent is told apart; revoked, it is refused at once although the answer was cached", async () => {
  const agent = await newAgent();
  const identity = await identityOf(agent);
  expect(identity).toMatchObject({ serverId: agent.agentId, organizationId: t.principal.organizationId });
  const told: string[] = [];
  const end = t.ctx.bus.on("server.revoked", ({ serverId }) => told.push(serverId));
  await revoke(agent.agentId);
  await revoke(agent.agentId);
  end();
  expect(told).toContain(agent.agentId);
  expect(await gateway.identify(agent.certificate)).toMatchObject({ refusal: { reason: "revoked" } });
  const audit = await t.ctx.db.select().from(auditLog).where(eq(auditLog.targetId, agent.agentId));
  expect(audit.filter(({ action }) => action === "servers.revoke")).toHaveLength(1);
  await expect(renewCertificate({ ctx: t.ctx, input: { identity, ...renewRequest(agent.agentId, newKey()) } })).rejects.toMatchObject({
    code: "forbidden",
  });
});

test("a revocation while the database is being asked is not lost in the cache", async () => {
  const agent = await newAgent();
  const asked = gateway.identify(agent.certificate);
  await revoke(agent.agentId);
  await asked;
  expect(await gateway.identify(agent.certificate)).toMatchObject({ refusal: { reason: "revoked" } });
});

test("a revocation by another controller process counts within a minute", async () => {
  const agent = await newAgent();
  await identityOf(agent);
  await t.ctx.db.update(servers).set({ revokedAt: new Date() }).where(eq(servers.id, agent.agentId));
  t.clock.nowMs += 60_000;
  expect(await gateway.identify(agent.certificate)).toMatchObject({ refusal: { reason: "revoked" } });
});

test("a deleted server's certificate is unknown, and its id and number never come back", async () => {
  const agent = await newAgent();
  const { serverNo } = await identityOf(agent);
  await deleteServer({ ctx: t.ctx, principal: t.principal, input: { serverId: agent.agentId } });
  expect(await lastAudit()).toMatchObject({ action: "servers.delete", targetId: agent.agentId });
  expect(await gateway.identify(agent.certificate)).toMatchObject({ refusal: { reason: "unknown" } });
  expect((await identityOf(await newAgent())).serverNo).toBeGreaterThan(serverNo);
  expect(
    await enrolCode(renewExpired({ ctx: t.ctx, input: { request: renewExpiredRequest(agent, newKey(), t.clock.nowMs), address: null } })),
  ).toBe("identity_unknown");
});

test("another organisation can neither revoke nor delete", async () => {
  const agent = await newAgent();
  const [other] = await t.ctx.db.insert(organizations).values({ name: "Other" }).returning();
  const principal = { ...t.principal, organizationId: other?.id as string };
  await expect(revokeServer({ ctx: t.ctx, principal, input: { serverId: agent.agentId } })).rejects.toMatchObject({ code: "not_found" });
  await expect(deleteServer({ ctx: t.ctx, principal, input: { serverId: agent.agentId } })).rejects.toMatchObject({ code: "not_found" });
  await identityOf(agent);
});

test("certificates that the CA signed but that are not of this installation, server or time are refused", async () => {
  const agent = await newAgent();
  const other = await newAgent();
  const { intermediate } = await authority(t.ctx);
  const made = async (uri: string, agentId: string, nowMs = t.clock.nowMs) => {
    const key = newKey();
    const publicKey = agent.certificate.publicKey;
    const { certificatePem } = await makeAgentCertificate({ issuer: intermediate, publicKey, serial: newSerial(), nowMs, agentId, uri });
    return gateway.identify(toAgent(agentId, certificatePem, key).certificate);
  };
  const uri = (changes: object) => agentUri({ installationId: t.ctx.installation.id, epoch: 1, agentId: agent.agentId, ...changes });
  expect(await made(uri({ installationId: other.agentId }), agent.agentId)).toMatchObject({ refusal: { reason: "foreign_installation" } });
  expect(await made(uri({}), agent.agentId)).toMatchObject({ refusal: { reason: "unknown" } });
  expect(await made(uri({}), other.agentId)).toMatchObject({ refusal: { reason: "malformed" } });
  expect(await made(uri({ epoch: 2 }), agent.agentId)).toMatchObject({ refusal: { reason: "unavailable" } });
  expect(await made("https://example.com/", agent.agentId)).toMatchObject({ refusal: { reason: "malformed" } });
  expect(await made(uri({}), agent.agentId, t.clock.nowMs - 31 * dayMs)).toMatchObject({ refusal: { reason: "expired" } });
});

test("renewal gives the same server a certificate for a new key; the old one stays good until its end", async () => {
  const agent = await newAgent();
  const identity = await identityOf(agent);
  const key = newKey();
  const renewed = await renewCertificate({ ctx: t.ctx, input: { identity, ...renewRequest(agent.agentId, key) } });
  expect(await lastAudit()).toMatchObject({ action: "servers.renew", targetId: agent.agentId });
  expect(await identityOf(toAgent(agent.agentId, renewed.certificatePem, key))).toMatchObject({
    serverId: agent.agentId,
    serverNo: identity.serverNo,
  });
  await identityOf(agent);
  // A key that has a certificate gets no second one; a proof for another agent counts for nothing.
  await expect(renewCertificate({ ctx: t.ctx, input: { identity, ...renewRequest(agent.agentId, key) } })).rejects.toMatchObject({
    code: "conflict",
  });
  const other = await newAgent();
  await expect(renewCertificate({ ctx: t.ctx, input: { identity, ...renewRequest(other.agentId, newKey()) } })).rejects.toMatchObject({
    code: "invalid",
  });
});

test("an agent that renews in a loop is stopped before it fills the table", async () => {
  const agent = await newAgent();
  const identity = await identityOf(agent);
  let refused: unknown;
  for (let i = 0; i < 20 && refused === undefined; i++) {
    await renewCertificate({ ctx: t.ctx, input: { identity, ...renewRequest(agent.agentId, newKey()) } }).catch(
      (error: unknown) => (refused = error),
    );
  }
  expect(refused).toMatchObject({ code: "rate_limited" });
  expect((await t.ctx.db.select().from(agentIdentities).where(eq(agentIdentities.serverId, agent.agentId))).length).toBeLessThan(15);
});

test("an expired identity renews by proof of its old key within 180 days, and not later, not revoked, not by another key", async () => {
  const agent = await newAgent();
  const revoked = await newAgent();
  await revoke(revoked.agentId);
  t.clock.nowMs += 40 * dayMs;
  expect(await gateway.identify(agent.certificate)).toMatchObject({ refusal: { reason: "expired" } });
  const run = (who: TestAgent, key = newKey(), signedAtMs = t.clock.nowMs, oldKey = who.privateKey) =>
    enrolCode(renewExpired({ ctx: t.ctx, input: { request: renewExpiredRequest(who, key, signedAtMs, oldKey), address: null } }));
  expect(await run(agent, newKey(), t.clock.nowMs, newKey().privateKey)).toBe("proof_wrong");
  expect(await run(agent, newKey(), t.clock.nowMs - 11 * 60_000)).toBe("proof_wrong");
  expect(await run(revoked)).toBe("identity_revoked");
  const quarantined = await newAgent();
  await t.ctx.db.update(servers).set({ quarantinedAt: new Date() }).where(eq(servers.id, quarantined.agentId));
  expect(await run(quarantined)).toBe("identity_revoked");
  const key = newKey();
  const answer = await renewExpired({ ctx: t.ctx, input: { request: renewExpiredRequest(agent, key, t.clock.nowMs), address: null } });
  expect(await identityOf(toAgent(agent.agentId, answer.certificatePem, key))).toMatchObject({ serverId: agent.agentId });
  const late = await newAgent();
  t.clock.nowMs += 211 * dayMs;
  expect(await run(late)).toBe("too_late");
});

test("a reinstalled server keeps its history and number; the old machine is shut out", async () => {
  const old = await newAgent();
  const { serverNo } = await identityOf(old);
  const told: string[] = [];
  const end = t.ctx.bus.on("server.revoked", ({ serverId }) => told.push(serverId));
  const fresh = await enrolAgent(t.ctx, await token(old.agentId), newKey(), "web-1b");
  end();
  expect(fresh.agentId).toBe(old.agentId);
  expect(told).toEqual([old.agentId]);
  expect(await identityOf(fresh)).toMatchObject({ serverNo });
  expect(await gateway.identify(old.certificate)).toMatchObject({ refusal: { reason: "revoked" } });
  const [row] = await t.ctx.db.select().from(servers).where(eq(servers.id, old.agentId));
  expect(row).toMatchObject({ hostname: "web-1b", name: "web-1", revokedAt: null });
});
