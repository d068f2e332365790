import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Caller, type Player, players, type RouteCast, routeCast } from "../../testing/route-cast.ts";
import { endsCaller, sampledRoutes, sampleRequest, topicId } from "../../testing/route-samples.ts";
import { subscribe } from "../../testing/subscribe.ts";
import { testWeb, type TestWeb } from "../../testing/web.ts";

/** One line of routes.table.txt. */
interface Line {
  /** "get /api/v1/servers", "live server" */
  readonly route: string;
  readonly permission: string;
  readonly expected: Readonly<Record<Player, string>>;
}

const file = new URL("./routes.table.txt", import.meta.url).pathname;

function readTable(): Line[] {
  const rows = readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line.trim() !== "" && !line.startsWith("#"))
    .map((line) => line.trim().split(/\s+/));
  const [head, ...lines] = rows;
  expect(head).toEqual(["method", "path", "permission", ...players]);
  return lines.map(([method, path, permission, ...cells]) => {
    expect([path, cells.length]).toEqual([path, players.length]);
    const expected = Object.fromEntries(players.map((player, i) => [player, cells[i]])) as Line["expected"];
    return { route: `${method} ${path}`, permission: permission!, expected };
  });
}

describe("controller/src/platform/auth/routes.table.txt", () => {
  let web: TestWeb;
  let cast: RouteCast;
  const known = new Map<string, Promise<Caller>>();
  const lines = readTable();
  const demandOf = ({ permission, reads }: { permission: string; reads?: string }) =>
    reads === undefined ? permission : `${permission}+${reads}`;

  beforeAll(async () => {
    // Behind a proxy, so that everybody has an address of their own.
    web = await testWeb({ trustedProxies: ["127.0.0.1"], publicUrl: new URL("https://devflow.example.com") });
    cast = await routeCast(web);
  });
  afterAll(() => web.close());

  const callerOf = (player: Player, permission: string, isEnded: boolean): Promise<Caller> => {
    if (isEnded) return cast.make(player, permission);
    const key = player === "only" || player === "but" ? `${player} ${permission}` : player;
    const made = known.get(key) ?? cast.make(player, permission);
    known.set(key, made);
    return made;
  };
  const stageOf = (player: Player, caller: Caller) => ({
    web,
    cast,
    caller,
    groupId: player === "inside" || player === "narrow" ? cast.groupId : null,
  });

  it("has one line for each route and live topic that there is, with what it demands", () => {
    const written = lines.map(({ route, permission }) => `${route} ${permission}`);
    const registered = [
      ...web.api.routes.map((route) => `${route.method} ${route.path} ${demandOf(route)}`),
      ...web.api.topics.map(({ name, permission }) => `live ${name} ${permission}`),
    ];
    expect(written.toSorted()).toEqual(registered.toSorted());
    expect(sampledRoutes.filter((route) => !lines.some((line) => line.route === route))).toEqual([]);
  });

  it("is what everybody who asks for anything gets", async () => {
    const wrong: string[] = [];
    for (const { route, permission, expected } of lines) {
      const demand = permission.split("+")[0]!;
      const got: string[] = [];
      for (const player of players) {
        const caller = await callerOf(player, demand, endsCaller(route));
        const stage = stageOf(player, caller);
        if (route.startsWith("live ")) {
          const topic = web.api.topics.find(({ name }) => `live ${name}` === route)!;
          got.push(await subscribe(web, caller, topic.withId ? `${topic.name}:${await topicId(stage)}` : topic.name));
          continue;
        }
        const { method, path, json } = await sampleRequest(route, stage);
        const headers = { ...caller.headers, ...cast.address() };
        const answer = await web.ask(path, { method, headers, ...(json === undefined ? {} : { json }) });
        got.push(answer.body?.code === "step_up_required" ? "ask" : String(answer.status));
        // It took the group that the others are bound to.
        if (route === "delete /api/v1/groups/{id}" && player === "inside") {
          cast = await routeCast(web);
          known.clear();
        }
      }
      const wanted = players.map((player) => expected[player]);
      if (got.join() !== wanted.join()) wrong.push(`${route}\n  written: ${wanted.join(" ")}\n  got:     ${got.join(" ")}`);
      // What the next line must not stumble over.
      await web.ctx.sql`update organizations set delete_after = null`;
      await web.ctx.sql`delete from webhooks`;
    }
    expect(wrong.join("\n")).toBe("");
  }, 600_000);

  it("says for which routes a session must prove again who is behind it, and why for the others not", () => {
    const asking = lines.filter(({ expected }) => expected.stale === "ask").map(({ route }) => route);
    const changing = lines.filter(
      ({ route, permission, expected }) => !/^(get|live) /.test(route) && permission !== "public" && expected.stale !== "ask",
    );
    expect(asking.length).toBeGreaterThan(40);
    expect(changing.map(({ route }) => route).toSorted()).toEqual(Object.values(withoutStepUp).flat().toSorted());
  });
});

/** Changes that an old session may make, by the reason. */
const withoutStepUp: Readonly<Record<string, readonly string[]>> = {
  "takes rights or secrets away, which must be quick when something is wrong": [
    "delete /api/v1/enrolment-tokens/{id}",
    "delete /api/v1/invitations/{id}",
    "delete /api/v1/me/sessions/{id}",
    "delete /api/v1/me/token",
    "delete /api/v1/organization/deletion",
    "delete /api/v1/session",
    "delete /api/v1/tokens/{id}",
    "delete /api/v1/webhooks/{id}",
    "post /api/v1/cli-logins/deny",
    "post /api/v1/me/sessions/revoke-others",
    "post /api/v1/organization/leave",
  ],
  "asks for the password itself, or is the proof": [
    "post /api/v1/me/password",
    "post /api/v1/me/totp",
    "post /api/v1/session/confirm",
    "post /api/v1/session/confirm/options",
  ],
  "an everyday change, which gives nobody more than they had": [
    "patch /api/v1/me",
    "patch /api/v1/me/passkeys/{id}",
    "patch /api/v1/organization",
    "patch /api/v1/servers/{id}",
    "patch /api/v1/tags",
    "patch /api/v1/teams/{id}",
    "patch /api/v1/views/{id}",
    "delete /api/v1/tags",
    "delete /api/v1/views/{id}",
    "post /api/v1/groups",
    "post /api/v1/organizations",
    "post /api/v1/servers/bulk",
    "post /api/v1/session/organization",
    "post /api/v1/tags",
    "post /api/v1/teams",
    "post /api/v1/views",
    "put /api/v1/me/default-view",
  ],
  "asks when the body gives things to others: another team, another address": ["patch /api/v1/groups/{id}", "patch /api/v1/webhooks/{id}"],
  "joins by a code that somebody confirmed": ["post /api/v1/invitations/accept"],
  "lets machines in that can tell about themselves and nothing else": ["post /api/v1/enrolment-tokens"],
  "sends once more what was settled before, or checks": [
    "post /api/v1/audit/verify",
    "post /api/v1/settings/mail/test",
    "post /api/v1/webhook-deliveries/{id}/replay",
    "post /api/v1/webhooks/{id}/test",
  ],
};
