import { randomUUID } from "node:crypto";
import { and, desc, eq } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { auditLog } from "../../platform/audit/schema.ts";
import type { Principal } from "../../platform/auth/principal.ts";
import { organizations } from "../../platform/auth/schema.ts";
import { serverGroups } from "../groups/schema.ts";
import { servers } from "../servers/schema.ts";
import { authority } from "./authority.ts";
import { createToken } from "./create-token.ts";
import { enrol } from "./enrol.ts";
import { listTokens } from "./list-tokens.ts";
import { revokeToken } from "./revoke-token.ts";
import { enrolmentTokens } from "./schema.ts";
import { enrolAgent, enrolRequest, newKey } from "./test-agent.ts";
import { testContext, type TestContext } from "./test-context.ts";

let t: TestContext;
let stranger: Principal;
beforeAll(async () => {
  t = await testContext();
  await authority(t.ctx);
  const [other] = await t.ctx.db.insert(organizations).values({ name: "Other" }).returning();
  stranger = { ...t.principal, organizationId: other?.id as string };
});
afterAll(() => t.close());

const create = (input: Partial<Parameters<typeof createToken>[0]["input"]> = {}) =>
  createToken({ ctx: t.ctx, principal: t.principal, input: { requestHost: "devflow.example.com:8080", ...input } });
const enrolCode = (promise: Promise<unknown>) =>
  promise.then(
    () => "enrolled",
    (error: Error & { details?: { enrolCode?: string } }) => error.details?.enrolCode ?? error.message,
  );
const lastAudit = async () => (await t.ctx.db.select().from(auditLog).orderBy(desc(auditLog.sequence)).limit(1))[0];

test("a token's secret is in the answer and nowhere in the database", async () => {
  const { token, secret, command, shortCommand } = await create({ name: "rack 4" });
  expect(secret).toMatch(/^dfe_[A-Za-z0-9_-]{43}$/);
  expect(command).toContain(secret);
  expect(command).toContain("https://devflow.example.com:");
  expect(shortCommand).toBeNull();
  expect(token).toMatchObject({ name: "rack 4", maxUses: 1, uses: 0, serverIds: [] });
  const rows = JSON.stringify([await t.ctx.db.select().from(enrolmentTokens), await t.ctx.db.select().from(auditLog)]);
  expect(rows).toContain(token.id);
  expect(rows).not.toContain(secret.slice(12));
  expect(await lastAudit()).toMatchObject({ action: "enrolment-tokens.create", targetId: token.id, actorName: "anna@example.com" });
});

test("of many machines that use a token at once, as many as it allows get in", async () => {
  const { secret, token } = await create({ maxUses: 3 });
  const outcomes = await Promise.all(Array.from({ length: 8 }, (_, i) => enrolCode(enrolAgent(t.ctx, secret, newKey(), `rush-${i}`))));
  expect(outcomes.filter((outcome) => outcome === "enrolled")).toHaveLength(3);
  expect(outcomes.filter((outcome) => outcome === "token_used_up")).toHaveLength(5);
  const { items } = await listTokens({ ctx: t.ctx, principal: t.principal, input: {} });
  expect(items.find(({ id }) => id === token.id)).toMatchObject({ uses: 3 });
  expect(items.find(({ id }) => id === token.id)?.serverIds).toHaveLength(3);
});

test("unknown, expired, revoked: each with its own code, nothing made", async () => {
  const before = (await t.ctx.db.select().from(servers)).length;
  expect(await enrolCode(enrolAgent(t.ctx, `dfe_${"x".repeat(43)}`))).toBe("token_unknown");
  const short = await create({ expiresInMinutes: 5 });
  t.clock.nowMs += 5 * 60_000;
  expect(await enrolCode(enrolAgent(t.ctx, short.secret))).toBe("token_expired");
  const revoked = await create();
  await revokeToken({ ctx: t.ctx, principal: t.principal, input: { tokenId: revoked.token.id } });
  expect(await lastAudit()).toMatchObject({ action: "enrolment-tokens.revoke", targetId: revoked.token.id });
  expect(await enrolCode(enrolAgent(t.ctx, revoked.secret))).toBe("token_revoked");
  expect((await t.ctx.db.select().from(servers)).length).toBe(before);
});

test("a proof by another key, for another token, or a key of another kind is refused and costs no use", async () => {
  const { secret } = await create();
  const key = newKey();
  const run = (changes: object) =>
    enrolCode(enrol({ ctx: t.ctx, input: { request: { ...enrolRequest(secret, key), ...changes }, address: null } }));
  expect(await run({ publicKey: newKey().publicKey })).toBe("proof_wrong");
  expect(await run({ proof: enrolRequest(`dfe_${"y".repeat(43)}`, key).proof })).toBe("proof_wrong");
  expect(await run({ proof: new Uint8Array(0) })).toBe("proof_wrong");
  expect(await enrolCode(enrolAgent(t.ctx, secret, newKey("P-384")))).toBe("malformed");
  expect(await run({ hostname: "a b" })).toBe("malformed");
  expect(await run({ hostname: "x\u0000" })).toBe("malformed");
  expect(await run({})).toBe("enrolled");
});

test("a lost answer: the same key asks again, gets the same server, and no second use counts", async () => {
  const { secret, token } = await create();
  const key = newKey();
  const first = await enrolAgent(t.ctx, secret, key);
  const second = await enrolAgent(t.ctx, secret, key);
  expect(second.agentId).toBe(first.agentId);
  expect(second.certificate.serialNumber).not.toBe(first.certificate.serialNumber);
  expect((await t.ctx.db.select().from(enrolmentTokens).where(eq(enrolmentTokens.id, token.id)))[0]?.uses).toBe(1);
  const other = await create();
  expect(await enrolCode(enrolAgent(t.ctx, other.secret, key))).toBe("malformed");
});

test("a server begins in its token's group and with its tags, once", async () => {
  const { organizationId } = t.principal;
  const [group] = await t.ctx.db.insert(serverGroups).values({ organizationId, name: "Berlin" }).returning();
  const { secret } = await create({ groupId: group!.id, tags: ["prod", "rack:7"], maxUses: 2 });
  const key = newKey();
  const { agentId } = await enrolAgent(t.ctx, secret, key, "in-berlin");
  const placeOf = async (id: string) =>
    (await t.ctx.db.select({ groupId: servers.groupId, tags: servers.tags }).from(servers).where(eq(servers.id, id)))[0];
  expect(await placeOf(agentId)).toEqual({ groupId: group!.id, tags: ["prod", "rack:7"] });
  const [event] = await t.ctx.sql`select group_id from events where type = 'server.enrolled' and subject_id = ${agentId}`;
  expect(event).toEqual({ group_id: group!.id });
  // A lost answer puts nothing back that was changed meanwhile.
  await t.ctx.db
    .update(servers)
    .set({ tags: ["moved"] })
    .where(eq(servers.id, agentId));
  expect((await enrolAgent(t.ctx, secret, key, "in-berlin")).agentId).toBe(agentId);
  expect(await placeOf(agentId)).toEqual({ groupId: group!.id, tags: ["moved"] });
});

test("nobody makes a token into a group of another organisation, or takes a place and names a group", async () => {
  const [foreign] = await t.ctx.db.insert(serverGroups).values({ organizationId: stranger.organizationId, name: "Theirs" }).returning();
  await expect(create({ groupId: foreign!.id })).rejects.toMatchObject({ code: "invalid", message: /no such group/ });
  await expect(create({ replacesServerId: randomUUID(), tags: ["prod"] })).rejects.toMatchObject({ code: "invalid" });
});

test("another organisation sees and revokes none of it", async () => {
  const { token } = await create();
  expect((await listTokens({ ctx: t.ctx, principal: stranger, input: {} })).items).toEqual([]);
  await expect(revokeToken({ ctx: t.ctx, principal: stranger, input: { tokenId: token.id } })).rejects.toMatchObject({ code: "not_found" });
  const { agentId } = await enrolAgent(t.ctx, (await create()).secret);
  await expect(
    createToken({ ctx: t.ctx, principal: stranger, input: { requestHost: null, replacesServerId: agentId } }),
  ).rejects.toMatchObject({ code: "not_found" });
});

test("a token for thousands cannot keep one server's history", async () => {
  await expect(create({ maxUses: 2, replacesServerId: randomUUID() })).rejects.toMatchObject({ code: "invalid" });
});

test("pages walk all tokens once, newest first", async () => {
  const walked: string[] = [];
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<typeof listTokens>> = await listTokens({
      ctx: t.ctx,
      principal: t.principal,
      input: { limit: 2, ...(cursor !== null && { cursor }) },
    });
    walked.push(...page.items.map(({ id }) => id));
    cursor = page.nextCursor;
  } while (cursor !== null);
  const all = await t.ctx.db
    .select()
    .from(enrolmentTokens)
    .where(and(eq(enrolmentTokens.organizationId, t.principal.organizationId)))
    .orderBy(desc(enrolmentTokens.createdAt), desc(enrolmentTokens.id));
  expect(walked).toEqual(all.map(({ id }) => id));
  await expect(listTokens({ ctx: t.ctx, principal: t.principal, input: { cursor: "nonsense" } })).rejects.toMatchObject({
    code: "invalid",
  });
});
