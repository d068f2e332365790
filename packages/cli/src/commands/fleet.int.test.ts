import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type TestCli, testCli } from "../cli.testkit.ts";

/** Groups, tags, views, and what servers have of them. */
describe("groups, tags and views", () => {
  let cli: TestCli;
  beforeAll(async () => {
    cli = await testCli();
    for (const name of ["web-1", "web-2"]) await cli.web.server({ name });
  });
  afterAll(() => cli.close());

  it("makes groups, puts servers in, renames and deletes them", async () => {
    await cli.json(["groups", "create", "Edge", "--description", "near people"]);
    expect(await cli.json(["servers", "move", "web-1", "web-2", "--group", "Edge"])).toMatchObject({ changed: 2 });
    expect((await cli.json(["servers", "list", "--group", "Edge"])).items).toHaveLength(2);
    await cli.json(["groups", "rename", "Edge", "Border"]);
    expect(await cli.json(["groups", "edit", "Border", "--description", "far out"])).toMatchObject({
      name: "Border",
      description: "far out",
    });
    expect((await cli.run(["groups", "show", "border"])).out).toMatch(/servers\s+0 of 2 online/);
    expect(await cli.json(["groups", "delete", "Border", "--yes"])).toMatchObject({ servers: 2 });
    expect(await cli.refusal(["groups", "show", "Border"])).toMatch(/^5 Error: There is no group "Border"/);
  });

  it("makes tags, puts them on servers, renames and deletes them", async () => {
    await cli.json(["tags", "create", "prod", "--colour", "amber"]);
    await cli.json(["servers", "tag", "web-1", "--add", "prod", "edge"]);
    expect(await cli.json(["tags", "edit", "prod", "--colour", "pink", "--description", "depended on"])).toMatchObject({
      tag: { color: "pink" },
    });
    expect((await cli.json(["servers", "list", "--tag", "prod"])).items).toHaveLength(1);
    await cli.json(["tags", "rename", "prod", "live"]);
    expect((await cli.run(["tags", "-q"])).out.split("\n")).toEqual(expect.arrayContaining(["edge", "live"]));
    expect(await cli.json(["tags", "delete", "live", "--yes"])).toMatchObject({ servers: 1 });
    expect(await cli.refusal(["tags", "create", "x", "--colour", "red"])).toMatch(/^2 error: option '--colour/);
    expect(await cli.refusal(["servers", "tag", "web-1"])).toMatch(/^2 Error: Say what to change/);
  });

  it("tells by the exit code when a server was left out", async () => {
    const many = Array.from({ length: 50 }, (_, n) => `t${n}`);
    await cli.json(["servers", "tag", "web-2", "--add", ...many]);
    const left = await cli.run(["servers", "tag", "web-1", "web-2", "--add", "more"]);
    expect([left.code, left.out, left.err]).toEqual([
      1,
      expect.stringContaining("too many tags"),
      expect.stringContaining("1 of 2 servers"),
    ]);
  });

  it("shows the fleet in figures, and what is not known yet", async () => {
    expect(await cli.json(["servers", "summary"])).toMatchObject({ total: 2, online: 0 });
    expect(await cli.refusal(["servers", "inventory", "web-1"])).toMatch(/^5 /);
    expect(await cli.refusal(["servers", "release", "web-1"])).toMatch(/^1 Error: /);
  });

  it("saves views for a person; a token without one has none", async () => {
    const cookie = await cli.web.signIn();
    const made = await cli.web.ask("/api/v1/tokens", { method: "POST", cookie, json: { name: "anna's", role: "owner" } });
    const token = made.body.secret as string;
    await cli.json(["views", "create", "Trouble", "--filter", "state:offline", "--sort", "-cpu", "--shared"], token);
    await cli.json(["views", "edit", "trouble", "--private", "--name", "Worries"], token);
    await cli.json(["views", "default", "Worries"], token);
    expect((await cli.json(["views", "list"], token)).items).toMatchObject([
      { name: "Worries", shared: false, isDefault: true, query: { q: "state:offline", sort: "-cpu" } },
    ]);
    await cli.json(["views", "default", "none"], token);
    expect((await cli.run(["views", "delete", "Worries", "--yes"], { token })).code).toBe(0);
    expect((await cli.json(["views", "list"], token)).items).toEqual([]);
  });
});
