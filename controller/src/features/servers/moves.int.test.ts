import { afterAll, beforeAll, expect, it } from "vitest";
import { groupedServer, testGroup, testTeam, tokenWith } from "../../testing/access.ts";
import { testWeb, type TestWeb } from "../../testing/web.ts";

let web: TestWeb;
beforeAll(async () => (web = await testWeb()));
afterAll(() => web.close());

it("nobody gets more over a server by moving it to where they may do more", async () => {
  const team = await testTeam(web, "Sly");
  const [theirs, mine, teams] = [await testGroup(web, "Theirs"), await testGroup(web, "Mine"), await testGroup(web, "Team's", team)];
  const id = await groupedServer(web, "db-1", theirs);
  const [own] = [await groupedServer(web, "own-1", mine)];
  const sly = await tokenWith(web, { role: "edit", group: theirs }, { role: "admin", group: mine }, { role: "admin", team });
  const move = (serverId: string, groupId: string, token = sly) =>
    web.ask(`/api/v1/servers/${serverId}`, { method: "PATCH", token, json: { groupId } });
  for (const groupId of [mine, teams]) {
    expect((await move(id, groupId)).body.code).toBe("forbidden");
    const many = await web.ask("/api/v1/servers/bulk", { method: "POST", token: sly, json: { ids: [id, own], groupId, addTags: ["x"] } });
    expect(many.body.items.map(({ outcome }: { outcome: string }) => outcome)).toEqual(["forbidden", "changed"]);
  }
  expect((await web.ask(`/api/v1/servers/${id}`, { method: "DELETE", token: sly })).status).toBe(403);
  // What gains nothing goes on: with the same role at both ends, with less at the new one, and within the same group.
  expect((await move(own, theirs)).status).toBe(200);
  const editor = await tokenWith(web, { role: "edit" });
  expect((await move(own, mine, editor)).status).toBe(200);
  expect((await move(id, theirs)).status).toBe(200);
  const tagged = await web.ask("/api/v1/servers/bulk", { method: "POST", token: sly, json: { ids: [id], addTags: ["x"] } });
  expect(tagged.body.changed).toBe(1);
});
