import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { testWeb, type TestWeb } from "../../testing/web.ts";
import { createApi } from "./api.ts";

describe("answers of the API", () => {
  let web: TestWeb;
  beforeAll(async () => (web = await testWeb()));
  afterAll(() => web.close());

  it("hold nothing that the route's schema does not name, whatever a verb returns", async () => {
    const api = createApi(web.ctx, web.api.auth);
    const whole = { name: "n", passwordHash: "x", inner: { id: 1, token: "x" } };
    const response = z.object({ name: z.string(), inner: z.object({ id: z.number() }) });
    for (const method of ["get", "post"] as const)
      api.route({ method, path: "/thing", permission: "public", tag: "t", summary: "s", response }, async () => whole);
    for (const method of ["GET", "POST"]) {
      const answer = await api.fetch(new Request("http://localhost/thing", { method }));
      expect([answer.status, await answer.json()]).toEqual([200, { name: "n", inner: { id: 1 } }]);
    }
  });

  it("show errors of the controller without their cause", async () => {
    const token = await web.token("owner");
    await web.ctx.sql`alter table server_latest rename to gone`;
    const answer = await web.ask("/api/v1/servers", { token });
    await web.ctx.sql`alter table gone rename to server_latest`;
    expect([answer.status, answer.body.code]).toEqual([500, "internal"]);
    expect(JSON.stringify(answer.body)).not.toMatch(/server_latest|relation|postgres|select|at .*\.ts/i);
  });
});
