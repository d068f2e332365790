import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Caller, type Player, players, type RouteCast, routeCast } from "../../testing/route-cast.ts";
import { endsCaller, sampleRequest, topicId } from "../../testing/route-samples.ts";
import { readRouteTable } from "../../testing/route-table.ts";
import { subscribe } from "../../testing/subscribe.ts";
import { testWeb, type TestWeb } from "../../testing/web.ts";

describe("controller/src/platform/auth/routes.table.txt", () => {
  let web: TestWeb;
  let cast: RouteCast;
  const known = new Map<string, Promise<Caller>>();
  const lines = readRouteTable();

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
});
