import { afterAll, beforeAll, expect, it } from "vitest";
import { testWeb, type TestWeb } from "../../../testing/web.ts";
import { person } from "../people.testkit.ts";

let web: TestWeb;
beforeAll(async () => (web = await testWeb()));
afterAll(() => web.close());

it("a token makes an organisation only when it may do everything: one that reads changes nothing", async () => {
  const settings = { creation: "everybody", deletionGraceDays: 7 };
  const cookie = await web.signIn();
  expect((await web.ask("/api/v1/settings/organizations", { method: "PUT", cookie, json: settings })).status).toBe(200);
  const owner = await person(web, { [await web.organization()]: [{ role: "owner" }] });
  const make = async (role: string) => {
    const { body } = await owner.ask("/api/v1/tokens", { method: "POST", json: { name: role, role } });
    const token = body.secret as string;
    const list = await web.ask("/api/v1/organizations", { token });
    const made = await web.ask("/api/v1/organizations", { method: "POST", token, json: { name: `By ${role}` } });
    return [list.body.mayCreate, made.status];
  };
  expect({ view: await make("view"), admin: await make("admin"), owner: await make("owner") }).toEqual({
    view: [false, 403],
    admin: [false, 403],
    owner: [true, 201],
  });
});
