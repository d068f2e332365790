import { afterAll, beforeAll, expect, it } from "vitest";
import { writeAudit } from "../../platform/audit/index.ts";
import { testWeb, type TestWeb } from "../../testing/web.ts";
import { systemPrincipal } from "../../platform/auth/system-principal.ts";

let web: TestWeb;
let token: string;
beforeAll(async () => {
  web = await testWeb();
  token = await web.token("admin");
  const own = web.ctx.installation.defaultOrganizationId;
  const foreign = await web.organization();
  await web.ctx.sql`truncate audit_log restart identity`;
  for (let i = 0; i < 1_203; i++) {
    await writeAudit(web.ctx.db, systemPrincipal(i % 400 === 7 ? foreign : own, i % 2 === 0 ? "anna@example.com" : "=cmd()"), {
      action: i % 3 === 0 ? "servers.rename" : "tokens.create",
      targetKind: i % 3 === 0 ? "server" : "token",
      targetId: `t${i}`,
      outcome: i % 10 === 0 ? "refused" : "done",
      after: { name: `na"me, ${i}`, note: "100%" },
    });
  }
}, 60_000);
afterAll(() => web.close());

const get = (query: string, by = token) => web.ask(`/api/v1/audit${query}`, { token: by });

it("lists the own organisation's rows newest first, each once, over all pages", async () => {
  const seen: number[] = [];
  for (let cursor: string | null = ""; cursor !== null;) {
    const { body } = await get(`?limit=400${cursor === "" ? "" : `&cursor=${cursor}`}`);
    seen.push(...body.items.map((item: { sequence: number }) => item.sequence));
    cursor = body.nextCursor;
  }
  expect(seen).toHaveLength(1_200);
  expect(seen).toEqual([...new Set(seen)].toSorted((a, b) => b - a));
});

it("filters by who, what, which, outcome, time and text, taken as it is", async () => {
  const count = async (query: string) => (await get(`?limit=500&${query}`)).body.items.length;
  expect(await count("actor=anna%40example.com&action=servers.rename&outcome=refused")).toBe(41);
  expect(await count("action=servers.&outcome=refused&targetKind=server")).toBe(41);
  expect(await count("targetId=t12")).toBe(1);
  expect(await count(`q=${encodeURIComponent('NA\\"me, 12"')}`)).toBe(1);
  expect(await count("q=100%25&limit=3".replace("&limit=3", ""))).toBe(500);
  expect(await count(`q=${encodeURIComponent("1%0")}`)).toBe(0);
  expect(await count("to=2020-01-01T00:00:00Z")).toBe(0);
  expect((await get("?cursor=bm9wZQ")).status).toBe(422);
});

it("counts what was done and refused, of the own organisation", async () => {
  const { items } = (await get("/counts")).body as { items: { kind: string; count: number }[] };
  const sum = (kind: string) => items.filter((one) => one.kind === kind).reduce((all, { count }) => all + count, 0);
  expect([sum("done"), sum("refused")]).toEqual([1_079, 121]);
  expect((await get("/counts?from=2020-01-01T00:00:00Z")).status).toBe(422);
});

it("exports all of it as JSON lines and as CSV that a spreadsheet does not run", async () => {
  const lines = await (await fetch(`${web.origin}/api/v1/audit/export`, { headers: { authorization: `Bearer ${token}` } })).text();
  const entries = lines
    .trim()
    .split("\n")
    .map((text) => JSON.parse(text) as { sequence: number });
  expect(entries).toHaveLength(1_200);
  const answer = await get("/export?format=csv&action=servers.rename");
  expect(answer.headers.get("content-type")).toBe("text/csv; charset=utf-8");
  const rows = (answer.body as string).trim().split("\r\n");
  expect(rows[0]).toMatch(/^sequence,at,actor_kind/);
  expect(rows).toHaveLength(1 + 400);
  expect(rows.filter((row) => row.includes(",'=cmd(),"))).toHaveLength(199);
  expect(rows.filter((row) => /,=cmd/.test(row))).toEqual([]);
});

it("is for administrators; verifying tells the row that was changed", async () => {
  for (const role of ["view", "deploy", "edit"] as const) {
    const weak = await web.token(role);
    expect((await get("", weak)).status).toBe(403);
    expect((await get("/export", weak)).status).toBe(403);
  }
  const verify = () => web.ask("/api/v1/audit/verify", { method: "POST", token });
  expect((await verify()).body).toMatchObject({ rows: 1_200, unchained: 0, problem: null });
  await web.ctx.sql`update audit_log set after = '{}' where sequence = 500`;
  expect((await verify()).body.problem.sequence).toBe(500);
});

it("retention is the installation's, and its change is in the log", async () => {
  const path = "/api/v1/settings/audit-retention";
  const owner = await web.token("owner");
  expect((await web.ask(path, { token: owner })).body).toEqual({ days: 365 });
  expect((await web.ask(path, { method: "PUT", token: owner, json: { days: 1 } })).status).toBe(422);
  expect((await web.ask(path, { method: "PUT", token: owner, json: { days: 730 } })).body).toEqual({ days: 730 });
  expect((await get("?targetId=audit-retention")).body.items[0]).toMatchObject({ before: { days: 365 }, after: { days: 730 } });
});
