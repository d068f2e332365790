import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type TestCli, testCli } from "../cli.testkit.ts";

describe("devflow organizations", () => {
  let cli: TestCli;
  let other: string;
  beforeAll(async () => {
    cli = await testCli();
    other = await cli.web.token("owner", await cli.web.organization());
  });
  afterAll(() => cli.close());

  it("shows, renames and exports the one that the token works in", async () => {
    const { items } = await cli.json(["organizations", "list"]);
    expect(items).toMatchObject([{ active: true, role: "owner" }]);
    expect(await cli.json(["organizations", "rename", "Acme"])).toEqual({ name: "Acme" });
    const exported = await cli.run(["organizations", "export", "-o", "acme.jsonl.gz"]);
    expect([exported.code, exported.err]).toEqual([0, expect.stringMatching(/^acme\.jsonl\.gz: \d+ bytes\.\n$/)]);
    const text = gunzipSync(readFileSync(join(cli.home, "acme.jsonl.gz"))).toString();
    expect(text).toContain('"Acme"');
    expect(text).not.toContain(cli.owner);
    expect(await cli.refusal(["organizations", "create", "More"])).toMatch(/^4 /);
  });

  it("deletes only the one that is named, and takes it back", async () => {
    expect(await cli.refusal(["organizations", "delete", "Acme", "--yes"], other)).toMatch(/^2 Error: You work in "Other"/);
    expect(await cli.refusal(["organizations", "delete", "Other"], other)).toMatch(/^2 .*Nobody can be asked/);
    const planned = await cli.json(["organizations", "delete", "Other", "--yes"], other);
    expect(Date.parse(planned.deleteAfter)).toBeGreaterThan(Date.now());
    expect(await cli.json(["organizations", "delete", "Acme", "--yes"]).catch((error: Error) => error.message)).toContain("stays");
  });

  it("works in the organisation of another context by --organization or switch", async () => {
    const env = { DEVFLOW_TOKEN: "", DEVFLOW_URL: cli.web.origin };
    const third = await cli.web.organization();
    await cli.web.ctx.sql`update organizations set name = 'Third' where id = ${third}`;
    for (const token of [cli.owner, await cli.web.token("owner", third)])
      expect((await cli.run(["login", cli.web.origin, "--with-token"], { env, input: `${token}\n` })).code).toBe(0);
    const stored = () => JSON.parse(readFileSync(join(cli.home, ".config/devflow/credentials.json"), "utf8")) as { current: string };
    const host = new URL(cli.web.origin).host;
    expect(stored().current).toBe(`${host}/Third`);
    const here = async (...args: string[]) => (await cli.run(["whoami", ...args], { env })).out;
    expect(await here()).toMatch(/organisation\s+Third/);
    expect(await here("--organization", "acme")).toMatch(/organisation\s+Acme/);
    expect((await cli.run(["organizations", "switch", "Acme"], { env })).code).toBe(0);
    expect(stored().current).toBe(host);
    expect((await cli.run(["organizations", "list"], { env })).out).toMatch(/\*\s+Acme[\s\S]*Third/);
    const unknown = await cli.run(["whoami", "--organization", "Nowhere"], { env });
    expect([unknown.code, unknown.err]).toEqual([3, expect.stringContaining("devflow login")]);
    expect(await cli.refusal(["whoami", "--organization", "Acme"])).toMatch(/^2 Error: DEVFLOW_TOKEN/);
    // A context that was written before organisations were kept in it.
    const credentials = stored() as unknown as { contexts: Record<string, { organization?: unknown }> };
    for (const context of Object.values(credentials.contexts)) delete context.organization;
    writeFileSync(join(cli.home, ".config/devflow/credentials.json"), JSON.stringify(credentials));
    expect(await here()).toMatch(/organisation\s+Acme/);
  });
});
