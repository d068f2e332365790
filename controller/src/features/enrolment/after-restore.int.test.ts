import { desc, eq } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { auditLog } from "../../platform/audit/schema.ts";
import type { Context } from "../../platform/context.ts";
import { servers } from "../servers/schema.ts";
import { afterRestore } from "./after-restore.ts";
import { authority } from "./authority.ts";
import { createToken } from "./create-token.ts";
import { identifyAgent } from "./identify-agent.ts";
import { releaseServer } from "./release-server.ts";
import { revokeServer } from "./revoke-server.ts";
import { agentIdentities } from "./schema.ts";
import { enrolAgent, type TestAgent } from "./test-agent.ts";
import { testContext, type TestContext } from "./test-context.ts";

let t: TestContext;
beforeAll(async () => {
  t = await testContext();
  await authority(t.ctx);
});
afterAll(() => t.close());

const newAgent = async (ctx: Context) => {
  const { secret } = await createToken({ ctx, principal: t.principal, input: { requestHost: null } });
  return enrolAgent(ctx, secret);
};
const ask = async (ctx: Context, agent: TestAgent) => {
  const gateway = identifyAgent(ctx);
  const answer = await gateway.identify(agent.certificate);
  gateway.close();
  return answer;
};
const numberOf = async (agent: TestAgent) =>
  (await t.ctx.db.select().from(servers).where(eq(servers.id, agent.agentId)))[0]?.serverNo as number;

test("a database put back to an older state: known agents go on, unknown ones wait for a person, no number comes twice", async () => {
  const known = await newAgent(t.ctx);
  const newer = await newAgent(t.ctx);
  const newerNo = await numberOf(newer);
  // What was written after the backup is gone: the row of the newer server and its sequence's step.
  await t.ctx.db.delete(servers).where(eq(servers.id, newer.agentId));
  await t.ctx.sql`select setval(pg_get_serial_sequence('servers', 'server_no'), ${newerNo - 1})`;

  // Without the command the certificate is simply unknown.
  expect(await ask(await t.again(), newer)).toMatchObject({ refusal: { reason: "unknown" } });

  const done = await afterRestore({ db: t.ctx.db, input: { defaultOrganizationId: t.principal.organizationId } });
  expect(done.epoch).toBe(2);
  expect((await t.ctx.db.select().from(auditLog).orderBy(desc(auditLog.sequence)).limit(1))[0]).toMatchObject({
    action: "installation.after-restore",
  });
  const ctx = await t.again();
  expect(await ask(ctx, known)).toMatchObject({ identity: { serverId: known.agentId } });
  expect(await numberOf(await newAgent(ctx))).toBeGreaterThan(newerNo);

  expect(await ask(ctx, newer)).toMatchObject({ refusal: { reason: "quarantined" } });
  expect(await ask(ctx, newer)).toMatchObject({ refusal: { reason: "quarantined" } });
  expect(await t.ctx.db.select().from(agentIdentities).where(eq(agentIdentities.serverId, newer.agentId))).toHaveLength(1);
  await releaseServer({ ctx, principal: t.principal, input: { serverId: newer.agentId } });
  expect(await ask(ctx, newer)).toMatchObject({ identity: { serverId: newer.agentId } });
  await expect(releaseServer({ ctx, principal: t.principal, input: { serverId: newer.agentId } })).rejects.toMatchObject({
    code: "conflict",
  });
});

test("a certificate unknown to the database brings no revoked server back", async () => {
  const ctx = await t.again();
  const agent = await newAgent(ctx);
  await revokeServer({ ctx, principal: t.principal, input: { serverId: agent.agentId } });
  await t.ctx.db.delete(agentIdentities).where(eq(agentIdentities.serverId, agent.agentId));
  await afterRestore({ db: t.ctx.db, input: { defaultOrganizationId: t.principal.organizationId } });
  const later = await t.again();
  expect("identity" in (await ask(later, agent))).toBe(false);
  expect(await ask(later, agent)).toMatchObject({ refusal: { reason: "revoked" } });
});

test("an epoch that this database has not reached means that the command was forgotten", async () => {
  const ahead = await t.again({ installation: { ...t.ctx.installation, epoch: 99 } });
  const agent = await newAgent(ahead);
  expect(await ask(await t.again(), agent)).toMatchObject({
    refusal: { reason: "unavailable", message: expect.stringContaining("after-restore") as string },
  });
});
