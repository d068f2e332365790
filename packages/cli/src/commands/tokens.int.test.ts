import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type TestCli, testCli } from "../cli.testkit.ts";

describe("tokens of people, programs and machines", () => {
  let cli: TestCli;
  let token: string;
  beforeAll(async () => {
    cli = await testCli();
    // Tokens are made for whoever holds the one that asks: a person.
    const made = await cli.web.ask("/api/v1/tokens", {
      method: "POST",
      cookie: await cli.web.signIn(),
      json: { name: "mine", role: "owner" },
    });
    token = made.body.secret as string;
    await cli.json(["groups", "create", "Edge"]);
    await cli.json(["groups", "create", "Web"]);
    await cli.json(["teams", "create", "Ops"]);
  });
  afterAll(() => cli.close());

  it("gives a token roles for parts, by name", async () => {
    const made = await cli.run(
      ["tokens", "create", "ci", "--role", "deploy", "--group", "Edge", "Web", "--grant", "view@team:Ops", "--expires", "7"],
      { token },
    );
    expect([made.code, made.out]).toEqual([0, expect.stringMatching(/^devflow_api_[0-9A-Za-z]{49}\n$/)]);
    const { items } = await cli.json(["tokens", "list", "--search", "ci", "--mine"], token);
    expect(
      items[0].grants.map(({ roleName, scopeName }: { roleName: string; scopeName: string }) => `${roleName} ${scopeName}`).toSorted(),
    ).toEqual(["deploy Edge", "deploy Web", "view Ops"]);
    expect((await cli.run(["tokens", "create", "quiet", "-q"], { token })).err).toBe("");
    expect((await cli.run(["tokens", "revoke", "ci", "--yes"], { token })).code).toBe(0);
    expect((await cli.json(["tokens", "list", "--state", "revoked"], token)).items).toMatchObject([{ name: "ci" }]);
    expect(await cli.refusal(["tokens", "create", "x", "--expires", "soon"], token)).toMatch(/^2 Error: --expires/);
    expect(await cli.refusal(["tokens", "create", "x", "--role", "view", "--team", "Nobody"], token)).toMatch(/^5 Error: There is no team/);
  });

  it("makes service accounts with tokens, disables and deletes them", async () => {
    await cli.json(["service-accounts", "create", "robot", "--role", "deploy", "--group", "Edge", "--description", "deploys"], token);
    const secret = (
      await cli.run(["tokens", "create", "of robot", "--service-account", "robot", "--role", "deploy", "--group", "Edge"], { token })
    ).out.trim();
    const status = async () => (await cli.web.ask("/api/v1/me", { token: secret })).status;
    expect(await status()).toBe(200);
    expect((await cli.json(["tokens", "list", "--service-account", "robot"], token)).items).toHaveLength(1);
    await cli.json(["service-accounts", "disable", "robot"], token);
    expect(await status()).toBe(401);
    await cli.json(["service-accounts", "enable", "robot"], token);
    expect(await status()).toBe(200);
    expect(await cli.json(["service-accounts", "edit", "robot", "--role", "view"], token)).toMatchObject({
      grants: [{ roleName: "view" }],
    });
    expect((await cli.run(["service-accounts", "show", "robot"], { token })).out).toMatch(/may\s+view/);
    expect(await cli.refusal(["service-accounts", "delete", "robot"], token)).toMatch(/^2 .*Nobody can be asked/);
    expect((await cli.run(["service-accounts", "delete", "robot", "--yes"], { token })).code).toBe(0);
    expect(await status()).toBe(401);
  });

  it("makes and revokes enrolment tokens with a group and tags", async () => {
    expect((await cli.run(["enrol", "--name", "rack-4", "--group", "Edge", "--tag", "prod", "--uses", "2"], { token })).out).toMatch(
      /^curl .+\n$/,
    );
    const { items } = await cli.json(["enrolment-tokens", "list"], token);
    expect(items).toMatchObject([{ name: "rack-4", tags: ["prod"], maxUses: 2, groupId: expect.any(String) }]);
    expect((await cli.run(["enrolment-tokens"], { token })).out).toMatch(/rack-4\s+0 of 2\s+ends/);
    expect((await cli.run(["enrolment-tokens", "revoke", "rack-4", "--yes"], { token })).code).toBe(0);
    expect(await cli.refusal(["enrolment-tokens", "revoke", "rack-4", "--yes"], token)).toMatch(/^5 /);
  });
});
