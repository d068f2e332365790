import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type TestContext, testContext } from "../../testing/context.ts";
import { createClient } from "./client.ts";
import { databaseUnavailable } from "./errors.ts";
import type { Sql } from "./sql.ts";

let ctx: TestContext;
beforeAll(async () => {
  ctx = await testContext();
  await ctx.sql`create table notes (n int unique)`;
});
beforeEach(() => ctx.sql`delete from notes`);
afterAll(() => ctx.close());

const notes = async () => (await ctx.sql<{ n: number }[]>`select n from notes order by n`).map(({ n }) => n);
type Tx = Parameters<Parameters<Sql["begin"]>[1]>[0];

describe("a transaction", () => {
  it("keeps what it did, or nothing of it", async () => {
    const kept = await ctx.sql.begin(async (tx) => {
      await tx`insert into notes values (1)`;
      return "kept";
    });
    expect(kept).toBe("kept");
    const failed = ctx.sql.begin(async (tx) => {
      await tx`insert into notes values (2)`;
      throw new Error("changed my mind");
    });
    await expect(failed).rejects.toThrow("changed my mind");
    await expect(ctx.sql.begin((tx) => [tx`insert into notes values (3)`, tx`insert into notes values (1)`])).rejects.toMatchObject({
      code: "23505",
    });
    expect(await notes()).toEqual([1]);
  });

  it("fails by a query that failed, also when that error was caught, and says the first one", async () => {
    const swallowed = ctx.sql.begin(async (tx) => {
      await tx`insert into notes values (1)`;
      await tx`select 1 / 0`.catch(() => undefined);
    });
    await expect(swallowed).rejects.toMatchObject({ code: "22012" });
    const goesOn = ctx.sql.begin(async (tx) => {
      await tx`select 1 / 0`.catch(() => undefined);
      await tx`insert into notes values (1)`;
    });
    await expect(goesOn).rejects.toMatchObject({ code: "22012" });
    expect(await notes()).toEqual([]);
  });

  it("goes on after a savepoint whose part failed, nested ones too", async () => {
    await ctx.sql.begin(async (tx) => {
      await tx`insert into notes values (1)`;
      const part = tx.savepoint(async (inner) => {
        await inner`insert into notes values (2)`;
        await inner.savepoint(async (innermost) => innermost`insert into notes values (3)`);
        await inner`insert into notes values (1)`;
      });
      await expect(part).rejects.toMatchObject({ code: "23505" });
      await tx.savepoint("named", async (inner) => inner`insert into notes values (4)`);
    });
    expect(await notes()).toEqual([1, 4]);
  });

  it("has the isolation that was asked for, by drizzle too", async () => {
    const asked = await ctx.sql.begin(
      "isolation level repeatable read read only",
      (tx) => tx`select current_setting('transaction_isolation') as level`,
    );
    expect(asked).toEqual([{ level: "repeatable read" }]);
    const [first] = await ctx.sql.begin((tx) => tx`select current_setting('transaction_isolation') as level`);
    expect(first).toEqual({ level: "read committed" });
    const nested = ctx.db.transaction(async (tx) => {
      await tx.execute("insert into notes values (5)");
      await expect(tx.transaction(async (inner) => inner.execute("insert into notes values (5)"))).rejects.toThrow(/insert into notes/);
    });
    await nested;
    expect(await notes()).toEqual([5]);
  });

  it("waits for its turn when many run, and each has its own connection", async () => {
    let together = 0;
    let most = 0;
    const all = Array.from({ length: 50 }, (_, n) =>
      ctx.sql.begin(async (tx) => {
        most = Math.max(most, ++together);
        const [{ id } = { id: "" }] = await tx<{ id: string }[]>`select pg_current_xact_id()::text as id`;
        await tx`insert into notes values (${n})`;
        together--;
        return id;
      }),
    );
    expect(new Set(await Promise.all(all)).size).toBe(50);
    expect(most).toBeGreaterThan(1);
    expect(await notes()).toHaveLength(50);
  });
});

describe("a transaction whose connection is lost", () => {
  const end = (pid: number) => ctx.sql`select pg_terminate_backend(${pid}, 5000)`;
  const pidOf = async (tx: Tx) => (await tx<{ pid: number }[]>`select pg_backend_pid() as pid`)[0]?.pid ?? 0;

  it.each<[string, (tx: Tx, pid: number) => Promise<unknown>]>([
    ["between two queries", async (tx, pid) => (await end(pid), await sleep(100), tx`select 1`)],
    ["in a query", async (tx, pid) => Promise.all([tx`select pg_sleep(30)`, sleep(50).then(() => end(pid))])],
    [
      "and that goes on as if nothing were",
      async (tx, pid) => {
        await end(pid);
        for (let n = 0; n < 3; n++) await Promise.resolve(tx`select 1`).catch(() => undefined);
        await sleep(50);
        return tx`insert into notes values (9)`.catch(() => "no matter");
      },
    ],
    ["in a savepoint", async (tx, pid) => tx.savepoint(async (inner) => Promise.all([inner`select pg_sleep(30)`, end(pid)]))],
    ["while it waits for something else", async (_, pid) => (await end(pid), sleep(60_000, null, { ref: false }))],
    [
      "in the middle of a COPY",
      async (tx, pid) => {
        const into = await tx`copy notes from stdin`.writable();
        const failed = new Promise((_, reject) => into.once("error", reject));
        failed.catch(() => undefined); // looked at below
        into.write("1\n");
        await end(pid);
        return failed;
      },
    ],
  ])("%s fails, and those after it do not", async (_, work) => {
    const error = await ctx.sql
      .begin(async (tx) => {
        await tx`insert into notes values (7)`;
        return work(tx, await pidOf(tx));
      })
      .catch((reason: unknown) => reason);
    expect(databaseUnavailable(error)).toBeDefined();
    // Every lane works, and nothing of the lost one is there.
    await Promise.all(Array.from({ length: 20 }, () => ctx.sql.begin((tx) => tx`select pg_sleep(0.01)`)));
    expect(await notes()).toEqual([]);
  });

  it("is not kept waiting by the client's end, which waits for those that can finish", async () => {
    const own = createClient(ctx.directTarget);
    const order: string[] = [];
    const running = own.begin(async (tx) => {
      await tx`select pg_sleep(0.2)`;
      await tx`insert into notes values (1)`;
      order.push("done");
    });
    await sleep(50);
    await own.end({ timeout: 10 }).then(() => order.push("ended"));
    await running;
    expect(order).toEqual(["done", "ended"]);
    expect(await notes()).toEqual([1]);
    await expect(own.begin((tx) => tx`select 1`)).rejects.toMatchObject({ code: "CONNECTION_ENDED" });
  });
});
