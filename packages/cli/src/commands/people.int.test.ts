import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { person } from "../../../../controller/src/features/organizations/people.testkit.ts";
import { type TestCli, testCli } from "../cli.testkit.ts";

/** Members, teams, roles and invitations. */
describe("people", () => {
  let cli: TestCli;
  const email = "bob@example.com";
  beforeAll(async () => {
    cli = await testCli();
    await person(cli.web, { [cli.web.ctx.installation.defaultOrganizationId]: [{ role: "view" }] }, { email });
    await cli.json(["groups", "create", "Edge"]);
  });
  afterAll(() => cli.close());

  it("makes, changes and deletes a role", async () => {
    await cli.json(["roles", "create", "Looker", "--permission", "servers.read,events.read"]);
    await cli.json(["roles", "edit", "looker", "--permission", "servers.read", "--description", "looks"]);
    expect((await cli.json(["roles", "list"])).items).toMatchObject([
      { name: "Looker", permissions: ["servers.read"], description: "looks" },
    ]);
    expect((await cli.json(["roles", "permissions"])).items.length).toBeGreaterThan(10);
    expect(await cli.refusal(["roles", "create", "X", "--permission", "no.such"])).toMatch(/^2 Error: --permission: there is no no\.such/);
  });

  it("gives members roles for everything or a part, by name", async () => {
    const grants = async () =>
      (await cli.json(["members", "list", "--search", "bob"])).items[0].grants.map((grant: { roleName: string; scopeName: string }) => [
        grant.roleName,
        grant.scopeName,
      ]);
    await cli.json(["members", "set-roles", email, "--role", "deploy", "--group", "edge"]);
    expect(await grants()).toEqual([["deploy", "Edge"]]);
    const changed = await cli.run(["members", "set-roles", email, "--role", "Looker", "--grant", "edit@group:Edge"]);
    expect([changed.code, changed.out]).toEqual([0, expect.stringMatching(/Looker/)]);
    expect((await grants()).length).toBe(2);
    for (const [args, said] of [
      [["--role", "king"], "--role: expected view"],
      [["--group", "Edge"], "--group and --team say where"],
      [["--grant", "edit"], "--grant: expected role@"],
      [["--role", "view", "--group", "Nowhere"], "There is no group"],
      [[], "Say what they may do"],
    ] as const)
      expect(await cli.refusal(["members", "set-roles", email, ...args])).toContain(said);
    expect(await cli.refusal(["members", "set-roles", "nobody@example.com", "--role", "view"])).toMatch(/^5 Error: There is no member/);
  });

  it("makes teams, puts people in and out, and gives them roles", async () => {
    const { id } = await cli.json(["teams", "create", "Ops", "--description", "at night"]);
    await cli.json(["teams", "add", "Ops", email]);
    await cli.json(["teams", "set-roles", "Ops", "--role", "admin", "--team", "Ops"]);
    await cli.json(["groups", "edit", "Edge", "--team", "Ops"]);
    expect(await cli.json(["teams", "show", "ops"])).toMatchObject({
      id,
      members: [{ email }],
      groups: [{ name: "Edge" }],
      grants: [{ roleName: "admin" }],
    });
    expect((await cli.run(["teams"])).out).toMatch(/^Ops\s+1\s+1\s+admin of Ops/m);
    await cli.json(["teams", "set-roles", "Ops", "--none"]);
    await cli.json(["teams", "edit", "Ops", "--name", "Operations"]);
    await cli.json(["teams", "remove", "Operations", email]);
    expect((await cli.json(["teams", "show", "Operations"])).members).toEqual([]);
    expect((await cli.run(["teams", "delete", "Operations", "--yes"])).code).toBe(0);
  });

  it("shares a group with a person and takes it back", async () => {
    await cli.json(["groups", "share", "Edge", "--with", `user:${email}`, "--role", "edit"]);
    expect((await cli.run(["groups", "shares", "Edge"])).out).toMatch(/bob\s+user\s+edit/);
    await cli.json(["groups", "unshare", "Edge", "--with", `user:${email}`]);
    expect((await cli.run(["groups", "shares", "Edge"])).out).not.toMatch(/user\s+edit/);
    expect(await cli.refusal(["groups", "share", "Edge", "--with", "bob", "--role", "edit"])).toMatch(/^2 Error: --with/);
  });

  it("invites by a link that stands alone on stdout, sends it anew, and revokes it", async () => {
    const made = await cli.run(["invitations", "create", "new@example.com", "--role", "edit", "--group", "Edge", "--expires", "3"]);
    expect([made.code, made.out]).toEqual([0, expect.stringMatching(/^http\S+#\S+\n$/)]);
    expect((await cli.run(["invitations"])).out).toMatch(/^new@example\.com\s+edit of Edge\s+open/m);
    const again = await cli.run(["invitations", "send", "new@example.com"]);
    expect(again.out).toMatch(/^http\S+\n$/);
    expect(again.out).not.toBe(made.out);
    expect((await cli.run(["invitations", "revoke", "new@example.com", "--yes"])).code).toBe(0);
    expect(await cli.refusal(["invitations", "create", "x@example.com", "--expires", "99"])).toMatch(/^2 Error: --expires/);
  });

  it("removes a member and a role that is in use", async () => {
    await cli.json(["members", "set-roles", email, "--role", "Looker"]);
    expect(await cli.refusal(["roles", "delete", "Looker", "--yes"])).toMatch(/^1 Error: /);
    await cli.json(["roles", "delete", "Looker", "--replacement", "view", "--yes"]);
    expect(await cli.refusal(["members", "remove", email])).toMatch(/^2 .*Nobody can be asked/);
    expect((await cli.run(["members", "remove", email, "--yes"])).code).toBe(0);
    expect((await cli.json(["members", "list", "--search", "bob"])).items).toEqual([]);
  });
});
