import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { testWeb } from "../../testing/web.ts";

const page = readFileSync(new URL("../../../../docs/operations/monitoring.md", import.meta.url), "utf8");
/** Value of a key in the page's Prometheus configuration. */
const configured = (key: string) => new RegExp(`^ +${key}: (\\S+)$`, "m").exec(/```yaml\n([\s\S]*?)```/.exec(page)![1]!)![1];

it("/metrics answers a token as docs/operations/monitoring.md makes it, which may do nothing else and ends with its maker's office", async () => {
  const web = await testWeb();
  const cookie = await web.signIn();
  const post = async (path: string, json: unknown) => (await web.ask(path, { method: "POST", cookie, json })).body;
  const permission = /devflow roles create \w+ --permission (\S+)/.exec(page)![1];
  const role = await post("/api/v1/roles", { name: "Scraper", permissions: [permission] });
  const { secret, token } = await post("/api/v1/tokens", {
    name: "prometheus",
    grants: [{ role: role.id, scope: { kind: "organization" } }],
  });
  expect(token.grants).toMatchObject([{ roleName: "Scraper" }]);
  const scrape = () => web.ask(configured("metrics_path")!, { headers: { authorization: `${configured("type")} ${secret}` } });

  const figures = await scrape();
  expect(figures.status).toBe(200);
  expect(figures.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
  expect(figures.body).toMatch(/^process_resident_memory_bytes \d+/m);
  expect((await web.ask("/api/v1/me", { token: secret })).body.permissions).toMatchObject([{ permission }]);
  for (const path of ["/api/v1/servers", "/api/v1/members", "/api/v1/settings/mail", "/api/v1/events"])
    expect([path, (await web.ask(path, { token: secret })).status]).toEqual([path, 403]);

  await web.ctx.sql`update users set installation_administrator = false`;
  web.ctx.bus.emit("principal.revoked", { kind: "user", id: token.holder.id });
  expect((await scrape()).status).toBe(403);
  expect((await web.ask("/api/v1/me", { token: secret })).body.permissions).toEqual([]);
  await web.close();
});
