import { appendFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemPrincipal } from "../auth/system-principal.ts";
import { type TestContext, testContext } from "../../testing/context.ts";
import { chainAudit } from "./chain.ts";
import { loadTaskSigningKey } from "../crypto/index.ts";
import { checkpointFile, signCheckpoint } from "./checkpoints.ts";
import { writeAudit } from "./index.ts";
import { deleteOldAudit, noteCheckpoints } from "./retention.ts";
import { verifyAudit } from "./verify.ts";

let ctx: TestContext;
let own: string;
let other: string;
beforeEach(async () => {
  ctx = await testContext();
  own = ctx.installation.defaultOrganizationId;
  const [row] = await ctx.sql<{ id: string }[]>`insert into organizations (name) values ('Other') returning id`;
  other = row!.id;
});
afterEach(() => ctx.close());

const write = async (count: number, organizationId = own, tx: Pick<TestContext["db"], "insert"> = ctx.db) => {
  for (let i = 0; i < count; i++)
    await writeAudit(tx, systemPrincipal(organizationId), {
      action: "servers.rename",
      targetKind: "server",
      targetId: String(i),
      before: { name: `old "${i}"`, n: 1.5 },
      after: { name: "neu ü", tags: ["b", "a"] },
    });
};
const chain = async () => noteCheckpoints(ctx, await chainAudit({ ctx }));
const verify = (organizationId = own) => verifyAudit({ ctx, input: { organizationId } });
const nth = async (n: number) =>
  (
    await ctx.sql<
      { sequence: number }[]
    >`select sequence from audit_log where organization_id = ${own} order by sequence offset ${n} limit 1`
  )[0]!.sequence;

it("chains two organisations apart, in batches and over several runs", async () => {
  await write(3);
  await write(2, other);
  await chain();
  await write(2);
  expect(await verify()).toMatchObject({ rows: 3, unchained: 2, problem: null });
  await chain();
  expect(await verify()).toEqual({
    rows: 5,
    unchained: 0,
    checkedCheckpoints: 2,
    unsignedCheckpoints: 0,
    contradictions: [],
    restores: [],
    problem: null,
  });
  expect(await verify(other)).toMatchObject({ rows: 2, checkedCheckpoints: 1, problem: null });
});

it("passes over no row whose transaction is still open", async () => {
  await write(1);
  let commit = () => {};
  const held = new Promise<void>((resolve) => (commit = resolve));
  let written = () => {};
  const isWritten = new Promise<void>((resolve) => (written = resolve));
  const slow = ctx.db.transaction(async (tx) => {
    // In a savepoint, where it does not wait for the transaction's end.
    await tx.transaction((inner) => write(1, own, inner));
    written();
    await held;
  });
  await isWritten;
  await write(2);
  expect(await chainAudit({ ctx, waitMs: 100 })).toEqual([]);
  const running = chainAudit({ ctx });
  commit();
  await slow;
  expect(await running).toHaveLength(1);
  expect(await verify()).toMatchObject({ rows: 4, unchained: 0, problem: null });
});

it("chains once when many chainers run, and while others write", async () => {
  await write(30);
  await Promise.all([...Array.from({ length: 4 }, () => chainAudit({ ctx })), ...Array.from({ length: 10 }, () => write(5))]);
  await chain();
  expect(await verify()).toMatchObject({ rows: 80, unchained: 0, problem: null });
});

describe("tells the first row that does not fit", () => {
  beforeEach(async () => {
    await write(8);
    await chain();
  });

  for (const column of ["at", "actor_id", "actor_name", "address", "action", "target_id", "outcome", "before", "after"]) {
    it(`when ${column} of a row was changed`, async () => {
      const row = await nth(3);
      const value =
        column === "at" ? ctx.sql`at + interval '1 microsecond'` : column === "before" || column === "after" ? ctx.sql`'{}'` : ctx.sql`'x'`;
      await ctx.sql`update audit_log set ${ctx.sql(column)} = ${value} where sequence = ${row}`;
      expect((await verify()).problem?.sequence).toBe(row);
    });
  }
  it("when one in the middle was removed", async () => {
    const after = await nth(4);
    await ctx.sql`delete from audit_log where sequence = ${await nth(3)}`;
    expect((await verify()).problem?.sequence).toBe(after);
  });
  it("when the beginning was removed", async () => {
    const first = await nth(2);
    await ctx.sql`delete from audit_log where sequence < ${first}`;
    expect((await verify()).problem?.sequence).toBe(first);
  });
  it("when the tail was cut off, and when all of it was", async () => {
    const last = await nth(7);
    await ctx.sql`delete from audit_log where sequence > ${await nth(5)}`;
    expect((await verify()).problem).toMatchObject({ sequence: last, reason: expect.stringContaining("are gone") });
    await ctx.sql`delete from audit_log`;
    expect((await verify()).problem?.sequence).toBe(last);
  });
  it("when the tail was cut off and the log went on afterwards", async () => {
    const last = await nth(7);
    await ctx.sql`delete from audit_log where sequence > ${await nth(5)}`;
    await write(3);
    await chain();
    expect((await verify()).problem).toMatchObject({ sequence: last, reason: expect.stringContaining("are gone") });
  });
  it("when somebody with the key called all of it old", async () => {
    const [sequence, hash] = [
      await nth(7),
      (await ctx.sql<{ hash: string }[]>`select hash from audit_log order by sequence desc limit 1`)[0]!.hash,
    ];
    await ctx.sql`delete from audit_log`;
    const { at, signature } = signCheckpoint(await loadTaskSigningKey(ctx.config), { organizationId: own, sequence, hash }, new Date());
    await ctx.sql`insert into audit_checkpoints (organization_id, sequence, hash, at, signature) values (${own}, ${sequence}, ${hash}, ${at}, ${signature})`;
    expect((await verify()).problem).toMatchObject({ sequence, reason: expect.stringContaining("before retention may remove it") });
  });
  it("when one was put in, and when two changed places", async () => {
    const [third, fourth] = [await nth(3), await nth(4)];
    await ctx.sql`update audit_log set sequence = default where sequence = ${third}`;
    await ctx.sql`insert into audit_log (sequence, organization_id, actor_kind, actor_id, actor_name, action, target_kind, target_id, outcome)
      overriding system value values (${third}, ${own}, 'user', 'u', 'u', 'a', 't', 't', 'done')`;
    expect((await verify()).problem?.sequence).toBe(third);
    await chain();
    expect((await verify()).problem?.sequence).toBe(fourth);
  });
  it("when rows were changed and chained anew: the checkpoint tells", async () => {
    await ctx.sql`update audit_log set actor_name = 'nobody' where sequence = ${await nth(7)}`;
    await ctx.sql`update audit_log set hash = null`;
    await chainAudit({ ctx });
    expect((await verify()).problem).toMatchObject({ sequence: await nth(7), reason: expect.stringContaining("another one than at") });
  });
});

it("takes no checkpoint that was not signed", async () => {
  await write(2);
  await chain();
  await appendFile(
    checkpointFile(ctx.config),
    `${JSON.stringify({ organizationId: own, sequence: 99, hash: "0".repeat(64), at: new Date().toISOString(), signature: "AAAA" })}\n{"organizationId":"${own}",`,
  );
  expect(await verify()).toMatchObject({ checkedCheckpoints: 1, unsignedCheckpoints: 1, problem: null });
});

it("retention removes old rows from the beginning, and the chain goes on from a signed place", async () => {
  await write(6);
  await chain();
  const later = { ...ctx, clock: { now: () => Date.now() + 366 * 86_400_000 } };
  await write(1, other);
  expect(await deleteOldAudit({ ctx })).toBe(0);
  expect(await deleteOldAudit({ ctx: later })).toBe(6);
  await write(3);
  await chain();
  expect(await verify()).toMatchObject({ rows: 3, problem: null });
  const gone = await nth(0);
  await ctx.sql`delete from audit_log where sequence = ${gone}`;
  await ctx.sql`update audit_checkpoints set sequence = ${gone}, hash = 'x'`;
  expect((await verify()).problem?.reason).toContain("not signed");
});
