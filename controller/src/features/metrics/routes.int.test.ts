import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testWeb, type TestWeb } from "../../testing/web.ts";

describe("charts over HTTP", () => {
  let web: TestWeb;
  let token: string;
  let server: string;
  let foreign: string;
  const toMs = Math.floor(Date.now() / 60_000) * 60_000;
  const iso = (ms: number) => new Date(ms).toISOString();

  beforeAll(async () => {
    web = await testWeb();
    token = await web.token("view");
    server = await web.server();
    foreign = await web.server({ organizationId: await web.organization() });
    for (const id of [server, foreign]) {
      await web.ctx.sql`
        insert into metric_host_10s (server_no, instance_no, time, samples, cpu_busy, cpu_busy_max, memory_used, memory_used_max, memory_total)
        select server_no, 0, to_timestamp(${toMs / 1000} - 10 * n), 10, 1234, 2000, 512, 512, 1024 from servers, generate_series(1, 60) n where id = ${id}`;
    }
  });
  afterAll(() => web.close());

  const chart = (query: Record<string, string>, headers: Record<string, string> = {}, id = server) =>
    web.ask(
      `/api/v1/servers/${id}/metrics?${new URLSearchParams({ from: iso(toMs - 600_000), to: iso(toMs), metrics: "host.cpu_busy", ...query }).toString()}`,
      { token, headers },
    );

  it("give what was measured", async () => {
    const { status, body } = await chart({});
    expect([status, body.serverId, body.tier, body.stepSeconds]).toEqual([200, server, "10s", 10]);
    expect(body.series[0].mean).toEqual(Array.from({ length: 60 }, () => 12.34));
    const csv = await chart({}, { accept: "text/csv" });
    expect(csv.headers.get("content-type")).toBe("text/csv; charset=utf-8");
    expect(csv.body.split("\r\n").slice(0, 2)).toEqual([
      'time,"host.cpu_busy percent","host.cpu_busy max percent"',
      `${iso(toMs - 600_000)},12.34,20`,
    ]);
  });

  it("refuse what makes no chart with 422, and answer decades", async () => {
    const wrong: Record<string, string>[] = [
      { from: iso(toMs), to: iso(toMs - 1) },
      { from: iso(toMs), to: iso(toMs) },
      { from: "yesterday" },
      { from: "2026-02-30T00:00:00Z" },
      { maxPoints: "10000" },
      { maxPoints: "0" },
      { maxPoints: "-5" },
      { maxPoints: "1.5" },
      { metrics: "host.nothing" },
      { metrics: "nothing.*" },
      { metrics: "" },
      { metrics: "host.cpu_busy;drop table servers" },
      { metrics: "host.*,".repeat(500) },
      { step: "10" },
    ];
    for (const query of wrong) {
      const answer = await chart(query);
      expect([query, answer.status, answer.headers.get("content-type")]).toEqual([query, 422, "application/problem+json"]);
    }
    for (const [from, to] of [
      ["1970-01-01T00:00:00Z", iso(toMs)],
      ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"],
      ["2190-01-01T00:00:00Z", "2199-01-01T00:00:00Z"],
    ] as const) {
      const answer = await chart({ from, to, metrics: "host.*,disk.*,network.*", maxPoints: "2000" });
      expect([from, to, answer.status]).toEqual([from, to, 200]);
      expect(answer.body.times.length).toBeLessThanOrEqual(2000);
    }
  });

  it("and sparklines stay within the organisation", async () => {
    expect((await chart({}, {}, foreign)).status).toBe(404);
    const { body } = await web.ask(`/api/v1/servers/sparklines?ids=${foreign},${server}`, { token });
    expect(body.items.map(({ serverId }: { serverId: string }) => serverId)).toEqual([server]);
    expect(body.items[0].cpu).toHaveLength(30);
    expect(body.items[0].cpu.slice(-5, -1)).toEqual([12.34, 12.34, 12.34, 12.34]);
    expect(body.items[0].memory).toContain(50);
    for (const ids of ["", "x", Array.from({ length: 101 }, () => server).join(",")]) {
      expect((await web.ask(`/api/v1/servers/sparklines?ids=${ids}`, { token })).status).toBe(422);
    }
  });

  it("are drawn from what is kept, for as long as the installation's administrator says", async () => {
    const path = "/api/v1/settings/metric-retention";
    const cookie = await web.signIn();
    const put = (json: object) => web.ask(path, { method: "PUT", cookie, json });
    expect((await web.ask(path, { cookie })).body).toEqual({ tenSecondDays: 14, minuteDays: 90, hourDays: 730 });
    expect((await web.ask(path, { token })).status).toBe(403);
    // An hour of ten days ago: by ten-second values, then, kept for seven days, by minutes.
    const old = { from: iso(toMs - 10 * 86_400_000), to: iso(toMs - 10 * 86_400_000 + 3_600_000), maxPoints: "400" };
    expect((await chart(old)).body.tier).toBe("10s");
    const kept = { tenSecondDays: 7, minuteDays: 30, hourDays: 60 };
    expect((await put(kept)).body).toEqual(kept);
    expect((await web.ask(path, { cookie })).body).toEqual(kept);
    expect((await chart(old)).body.tier).toBe("1m");
    // Beside what else is kept in the same setting.
    expect((await web.ask("/api/v1/settings/event-retention", { method: "PUT", cookie, json: { days: 12 } })).status).toBe(200);
    expect((await web.ask(path, { cookie })).body).toEqual(kept);
    const audit = await web.ask("/api/v1/audit?limit=5", { cookie });
    expect(audit.body.items[1]).toMatchObject({ action: "settings.update", target: { id: "metric-retention" }, after: kept });
  });

  it.each([
    [{ tenSecondDays: 4, minuteDays: 30, hourDays: 60 }, "tenSecondDays"],
    [{ tenSecondDays: 14, minuteDays: 13, hourDays: 60 }, "minuteDays"],
    [{ tenSecondDays: 14, minuteDays: 30, hourDays: 29 }, "hourDays"],
  ])("refuse to be kept as %o", async (json, path) => {
    const { status, body } = await web.ask("/api/v1/settings/metric-retention", { method: "PUT", cookie: await web.signIn(), json });
    expect([status, body.errors.map((one: { path: string }) => one.path)]).toEqual([422, [path]]);
  });
});
