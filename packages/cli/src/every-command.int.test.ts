import type { Command } from "commander";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { groupedServer, testGroup, testTeam } from "../../../controller/src/testing/access.ts";
import { type TestCli, testCli } from "./cli.testkit.ts";
import { createProgram } from "./program.ts";
import { createTerminal } from "./terminal.ts";

/** How a command ends for a token that may only look: 0 done, 4 not allowed, 5 what it cannot see is not there. */
type AsViewer = 0 | 4 | 5;

const gone = "00000000-0000-4000-8000-000000000000";

/** Every command that asks the controller, as one would type it, and how it ends for a viewer. */
const cases: Readonly<Record<string, readonly [args: string, viewer: AsViewer]>> = {
  whoami: ["", 0],
  "servers list": ["", 0],
  "servers show": ["web-1", 0],
  "servers rename": ["web-1 web-2", 4],
  "servers tag": ["web-1 --add prod", 4],
  "servers move": ["web-1 --group Edge", 4],
  "servers revoke": ["web-1 --yes", 4],
  "servers delete": ["web-1 --yes", 4],
  "servers summary": ["", 0],
  "servers inventory": ["web-1", 5],
  "servers release": ["web-1", 4],
  "groups list": ["", 0],
  "groups show": ["Edge", 0],
  "groups create": ["New", 4],
  "groups edit": ["Edge --description x", 4],
  "groups rename": ["Edge Border", 4],
  "groups delete": ["Edge --yes", 4],
  "groups shares": ["Edge", 4],
  "groups share": ["Edge --with team:Ops --role view", 4],
  "groups unshare": ["Edge --with team:Ops", 4],
  "tags list": ["", 0],
  "tags create": ["new", 4],
  "tags edit": ["prod --colour pink", 4],
  "tags rename": ["prod live", 4],
  "tags delete": ["prod --yes", 4],
  "views list": ["", 0],
  "views create": ["Mine --shared", 4],
  "views edit": ["Shown --name Other", 4],
  "views default": ["none", 4],
  "views delete": ["Shown --yes", 4],
  metrics: ["web-1", 0],
  top: ["--once", 0],
  "events list": ["", 0],
  "events follow": ["--since -1h --type group.created --count 1", 0],
  "webhooks list": ["", 4],
  "webhooks show": ["hook", 4],
  "webhooks create": ["hook https://example.com/", 4],
  "webhooks edit": ["hook --disable", 4],
  "webhooks delete": ["hook --yes", 4],
  "webhooks test": ["hook", 4],
  "webhooks rotate-secret": ["hook", 4],
  "webhooks deliveries": ["hook", 4],
  "webhooks delivery": [gone, 5],
  "webhooks replay": [gone, 5],
  "audit list": ["", 4],
  "audit export": ["-o -", 4],
  "audit verify": ["", 4],
  "organizations list": ["", 0],
  "organizations create": ["Acme", 4],
  "organizations rename": ["Acme", 4],
  "organizations export": ["-o -", 4],
  "organizations delete": ["Default --yes", 4],
  "organizations keep": ["", 4],
  "members list": ["", 0],
  "members set-roles": ["anna@example.com --role view", 4],
  "members remove": ["anna@example.com --yes", 4],
  "teams list": ["", 0],
  "teams show": ["Ops", 0],
  "teams create": ["New", 4],
  "teams edit": ["Ops --name New", 4],
  "teams set-roles": ["Ops --role view", 4],
  "teams add": ["Ops anna@example.com", 4],
  "teams remove": ["Ops anna@example.com", 4],
  "teams delete": ["Ops --yes", 4],
  "roles list": ["", 0],
  "roles create": ["New --permission servers.read", 4],
  "roles edit": ["Looker --permission servers.read", 4],
  "roles delete": ["Looker --yes", 4],
  "invitations list": ["", 4],
  "invitations create": ["new@example.com --role view", 4],
  "invitations send": ["bob@example.com", 4],
  "invitations revoke": ["bob@example.com --yes", 4],
  "tokens list": ["", 0],
  "tokens create": ["more --role view", 4],
  "tokens revoke": ["somebodys --yes", 5],
  "service-accounts list": ["", 4],
  "service-accounts show": ["ci", 4],
  "service-accounts create": ["new --role view", 4],
  "service-accounts edit": ["ci --name new", 4],
  "service-accounts disable": ["ci", 4],
  "service-accounts enable": ["ci", 4],
  "service-accounts delete": ["ci --yes", 4],
  enrol: ["", 4],
  "enrolment-tokens list": ["", 4],
  "enrolment-tokens revoke": ["rack --yes", 4],
  "settings mail": ["", 4],
  "settings mail-test": ["", 4],
  "settings mail-remove": ["--yes", 4],
  "settings sign-in": ["", 4],
  "settings sign-in-test": ["", 4],
  "settings sign-in-remove": ["--yes", 4],
  "settings passwords": ["", 4],
  "settings outgoing": ["", 4],
  "settings organizations": ["", 4],
  "settings retention": ["", 4],
  "users list": ["", 4],
  "users sign-out": ["anna@example.com", 4],
  "users disable": ["anna@example.com --yes", 4],
  "users enable": ["anna@example.com", 4],
  "users promote": ["anna@example.com", 4],
  "users demote": ["anna@example.com", 4],
  "users remove": ["anna@example.com --yes", 4],
};
/** Ask nothing of the controller, or have tests of their own for it. */
const others = [
  "login",
  "logout",
  "contexts list",
  "contexts use",
  "contexts remove",
  "organizations switch",
  "roles permissions",
  "mcp",
  "completion",
  "admin",
];

const leaves = (command: Command, path: readonly string[] = []): string[] =>
  command.commands.length === 0 ? [path.join(" ")] : command.commands.flatMap((sub) => leaves(sub, [...path, sub.name()]));

describe("every command", () => {
  let cli: TestCli;
  let viewer: string;
  beforeAll(async () => {
    cli = await testCli();
    const { web, owner } = cli;
    viewer = await web.token("view");
    const organizationId = web.ctx.installation.defaultOrganizationId;
    await groupedServer(web, "web-1", await testGroup(web, "Edge"), ["prod"]);
    await testTeam(web, "Ops");
    const make = async (path: string, json: object) => {
      const made = await web.ask(path, { method: "POST", token: owner, json });
      expect([path, made.status, made.body]).toEqual([path, 201, expect.anything()]);
    };
    await make("/api/v1/roles", { name: "Looker", permissions: ["servers.read"] });
    await make("/api/v1/groups", { name: "Happened" });
    await web.ctx.sql`insert into saved_views (organization_id, user_id, name, query, shared)
      select ${organizationId}, id, 'Shown', '{}', true from users limit 1`;
  });
  afterAll(() => cli.close());

  /** So many at once as keep both processors busy. */
  const each = async (names: readonly string[], work: (name: string) => Promise<void>) => {
    const waiting = [...names];
    await Promise.all(
      Array.from({ length: 3 }, async () => {
        for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) await work(name);
      }),
    );
  };
  const argv = (name: string) => [...name.split(" "), ...cases[name]![0].split(" ").filter((word) => word !== "")];

  it("stands in the table of this test", () => {
    const program = createProgram({ terminal: createTerminal(process, {}), now: () => 0, signal: new AbortController().signal });
    const known = new Set([...Object.keys(cases), ...others]);
    const there = leaves(program).filter((name) => !name.startsWith("__"));
    expect(there.filter((name) => !known.has(name))).toEqual([]);
    expect([...known].filter((name) => !there.includes(name))).toEqual([]);
  });

  it("says that the controller is away, on stderr and with 6", async () => {
    const wrong: unknown[] = [];
    // events follow goes on trying, as it should.
    await each(
      Object.keys(cases).filter((name) => name !== "events follow"),
      async (name) => {
        const { code, out, err } = await cli.run(argv(name), { env: { DEVFLOW_URL: cli.nowhere } });
        if (code !== 6 || out !== "" || !err.includes("nothing listens there")) wrong.push([name, code, out, err]);
      },
    );
    expect(wrong).toEqual([]);
  });

  it("refuses what it does not know before it asks anybody", async () => {
    const terminal = createTerminal(process, {});
    for (const name of Object.keys(cases)) {
      const program = createProgram({
        terminal: { ...terminal, err: () => undefined },
        now: () => 0,
        signal: new AbortController().signal,
      });
      const parsed = program.parseAsync([...argv(name), "--no-such-option"], { from: "user" });
      await expect(parsed).rejects.toMatchObject({ code: "commander.unknownOption", message: expect.stringContaining("--no-such-option") });
    }
  });

  it("does no more for a viewer than a viewer may, and names the request that was refused", async () => {
    const wrong: unknown[] = [];
    const names = Object.keys(cases);
    await each(names, async (name) => {
      const { code, out, err } = await cli.run(argv(name), { token: viewer });
      const expected = cases[name]![1];
      const said = expected === 4 ? /^Error: .+[\s\S]*Request [0-9a-f-]{36} in the controller's log\n$/.test(err) && out === "" : true;
      if (code !== expected || !said) wrong.push([name, code, out, err]);
    });
    expect(wrong).toEqual([]);
  });
});
