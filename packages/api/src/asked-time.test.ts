import { expect, it } from "vitest";
import { auditListQuery, eventListQuery, metricsQuery } from "./index.ts";
import { timeCountsQuery } from "./platform.ts";

it("times that PostgreSQL does not know are refused wherever one asks by time", () => {
  const metrics = { metrics: "host.cpu_busy", to: "2026-01-01T01:00:00Z" };
  for (const [query, more] of [
    [auditListQuery, {}],
    [eventListQuery, {}],
    [timeCountsQuery, {}],
    [metricsQuery, metrics],
  ] as const) {
    expect(query.safeParse({ ...more, from: "0001-01-01T00:00:00Z" }).success).toBe(true);
    expect(query.safeParse({ ...more, from: "0000-01-01T00:00:00Z" }).error?.issues[0]?.message).toBe("expected a year from 0001 on");
  }
});
