import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type TestCli, testCli } from "../cli.testkit.ts";

describe("devflow audit", () => {
  let cli: TestCli;
  beforeAll(async () => {
    cli = await testCli();
    for (const name of ["One", "Two"]) await cli.json(["groups", "create", name]);
    await cli.run(["groups", "create", "Three"], { token: await cli.web.token("view") });
    await cli.web.refusals.flush();
  });
  afterAll(() => cli.close());

  it("lists who did what, narrowed down", async () => {
    const { items } = await cli.json(["audit", "list", "--action", "groups."]);
    expect(items.map(({ action, outcome }: { action: string; outcome: string }) => [action, outcome])).toEqual([
      ["groups.create", "done"],
      ["groups.create", "done"],
    ]);
    expect((await cli.json(["audit", "list", "--target", `group:${items[0].target.id}`])).items).toHaveLength(1);
    expect((await cli.json(["audit", "list", "--limit", "1"])).items).toHaveLength(1);
    expect((await cli.run(["audit", "list", "--search", "One"])).out).toMatch(/^NO?[\s\S]*groups\.create/m);
    expect(await cli.refusal(["audit", "list", "--until", "never"])).toMatch(/^2 Error: --until/);
  });

  it("writes all of it into a file that is its user's alone, or to stdout", async () => {
    const csv = await cli.run(["audit", "export", "--format", "csv", "--action", "groups."]);
    expect([csv.code, csv.out, csv.err]).toEqual([0, "", expect.stringMatching(/^audit\.csv: \d+ bytes\.\n$/)]);
    const file = join(cli.home, "audit.csv");
    expect(readFileSync(file, "utf8").trimEnd().split("\n")).toHaveLength(3);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const lines = (await cli.run(["audit", "export", "-o", "-", "--action", "groups."])).out.trimEnd().split("\n");
    expect(lines.map((line) => (JSON.parse(line) as { action: string }).action)).toEqual(["groups.create", "groups.create"]);
    expect(await cli.refusal(["audit", "export", "-o", "no/such/folder/file"])).toMatch(
      /^1 Error: no\/such\/folder\/file cannot be written: ENOENT/,
    );
  });

  it("checks the chain, and ends with 1 when it was changed", async () => {
    expect(await cli.json(["audit", "verify"])).toMatchObject({ problem: null });
    const { sql } = cli.web.ctx;
    await sql.unsafe("alter table audit_log disable trigger user").catch(() => undefined);
    await sql`update audit_log set action = 'groups.other' where action = 'groups.create'`;
    const changed = await cli.run(["audit", "verify"]);
    expect([changed.code, changed.out, changed.err]).toEqual([
      1,
      expect.stringContaining("does not fit"),
      expect.stringContaining("not as it was written"),
    ]);
  });
});
