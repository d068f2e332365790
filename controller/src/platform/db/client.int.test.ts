import { eq } from "drizzle-orm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type TestContext, testContext } from "../../testing/context.ts";
import { auditLog } from "../audit/schema.ts";
import { databaseUnavailable, sqlState } from "./errors.ts";

let ctx: TestContext;
beforeAll(async () => {
  ctx = await testContext();
});
afterAll(() => ctx.close());

describe("client", () => {
  it("gives numbers, dates and JSON as values, and takes undefined as null", async () => {
    const at = new Date("2026-01-02T03:04:05.678Z");
    const [row] = await ctx.sql`
      select ${2 ** 52}::bigint as big, ${at}::timestamptz as at, ${ctx.sql.json({ a: [1] })} as json, ${undefined as unknown as null}::int as nothing`;
    expect(row).toEqual({ big: 2 ** 52, at, json: { a: [1] }, nothing: null });
  });

  it("takes and gives arrays", async () => {
    const texts = ["plain", 'with "quotes", commas and {braces}', "back\\slash", "", "NULL", "ünïcode"];
    const numbers = [1, -2, 2 ** 31];
    const times = [new Date(1_700_000_000_123)];
    const [row] = await ctx.sql`
      select ${texts}::text[] as texts, ${numbers}::bigint[] as numbers, ${ctx.sql.array(times)} as times, ${ctx.sql.array([true, false])} as flags,
        ${[]}::int[] as none, array[null, 'x']::text[] as holes, array_agg(n) as made from generate_series(1, 3) n where n = any(${[1, 3]})`;
    expect(row).toEqual({ texts, numbers, times, flags: [true, false], none: [], holes: [null, "x"], made: [1, 3] });
  });

  it("shares the pool with drizzle: snake_case columns, dates and JSON both ways", async () => {
    const organizationId = ctx.installation.defaultOrganizationId;
    const entry = {
      organizationId,
      actorKind: "system",
      actorId: "-",
      actorName: "test",
      action: "test.run",
      targetKind: "test",
      targetId: "1",
      outcome: "done",
    };
    await ctx.db
      .insert(auditLog)
      .values({ ...entry, after: { text: 'a"b', list: [1, null] }, before: "plain text", at: new Date(1_700_000_000_123) });
    const [row] = await ctx.db.select().from(auditLog).where(eq(auditLog.targetId, "1"));
    expect(row).toMatchObject({ ...entry, after: { text: 'a"b', list: [1, null] }, before: "plain text", at: new Date(1_700_000_000_123) });
    const [raw] = await ctx.sql`select at, after from audit_log where target_id = '1'`;
    expect(raw).toEqual({ at: new Date(1_700_000_000_123), after: { text: 'a"b', list: [1, null] } });
  });

  it("tells an error of the statement from a database that is away", async () => {
    const duplicate =
      await ctx.sql`insert into installation (singleton, id, epoch, storage_engine) values (1, gen_random_uuid(), 1, 'plain')`.catch(
        (e: unknown) => e,
      );
    expect([sqlState(duplicate), databaseUnavailable(duplicate)]).toEqual(["23505", undefined]);
    const ended = await ctx.sql`select pg_terminate_backend(pg_backend_pid())`.catch((e: unknown) => e);
    expect(databaseUnavailable(ended)).toMatchObject({ code: "unavailable", retryable: true });
    expect(await ctx.sql`select 1 as one`).toEqual([{ one: 1 }]);
  });

  it("lets no query into somebody's transaction when a hundred wait on each connection", async () => {
    await Promise.all(Array.from({ length: 10 }, () => ctx.sql`select pg_sleep(0.1)`)); // all connections are open
    // Those from 1000 on are what fills up the tenth part of them that each connection takes at once.
    const answers = await Promise.allSettled(
      Array.from({ length: 1500 }, async (_, i): Promise<string | null> => {
        const [row] =
          i >= 1000 && i < 1010
            ? await ctx.sql.begin((tx) => tx`select pg_current_xact_id_if_assigned()::text as id, pg_current_xact_id()`)
            : await ctx.sql`select pg_current_xact_id_if_assigned()::text as id`.execute(); // sent in this very order
        return row?.["id"] as string | null;
      }),
    );
    expect(answers.filter(({ status }) => status === "rejected")).toEqual([]);
    expect(answers.filter((answer) => answer.status === "fulfilled" && answer.value !== null)).toEqual([]);
    const left = await ctx.sql`select pid from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'`;
    expect(left).toEqual([]);
  });
});
