import { describe, expect, it } from "vitest";
import { formatValue } from "@devflow/units";
import { formatTick, niceTop, timeSplits } from "./axis.ts";
import { datasetOf, sinceAdded, sumOf } from "./dataset.ts";
import { metricsCsv } from "./export.ts";
import { endsOf, readRange, writeRange, zoomed } from "./ranges.ts";
import { deviceCharts, metricsOf, overview } from "./specs.ts";
import { stack } from "./stack.ts";
import { familyByName } from "@devflow/catalogue";

const result = {
  serverId: "s",
  from: "1970-01-01T00:00:00Z",
  to: "1970-01-01T00:00:30Z",
  stepSeconds: 10,
  tier: "10s" as const,
  times: [0, 10, 20],
  series: [
    { metric: "disk.read", instance: "sdb10", unit: "bytes_per_second", mean: [1, null, null], max: [2, null, null] },
    { metric: "disk.read", instance: "sdb2", unit: "bytes_per_second", mean: [10, 20, null], max: null },
  ],
};

describe("a young server", () => {
  const series = (mean: (number | null)[]) => new Map([["host.load_1", [{ instance: "", mean, max: null }]]]);
  const times = Array.from({ length: 60 }, (_, i) => i * 10);
  const hour = { times, fromSeconds: 0, toSeconds: 600, stepSeconds: 10, series: series(times.map((t) => (t < 400 ? null : 1))) };
  it("has an axis that begins at its first value", () => expect(sinceAdded(hour, 405_000).fromSeconds).toBe(400));
  it("never gets an axis shorter than a minute", () =>
    expect(sinceAdded({ ...hour, series: series(times.map((t) => (t < 590 ? null : 1))) }, 590_000).fromSeconds).toBe(540));
  it("keeps the whole range once it is older, and for history from before it was enrolled again", () => {
    expect(sinceAdded(hour, -5000)).toBe(hour);
    expect(sinceAdded(hour, null)).toBe(hour);
    expect(sinceAdded({ ...hour, series: series(times.map((t) => (t === 0 || t > 400 ? 1 : null))) }, 405_000).fromSeconds).toBe(0);
  });
});

describe("ranges in the address", () => {
  it("reads what it writes", () => {
    const query = new URLSearchParams();
    const range = { key: "6h", fixed: { fromMs: 1_800_000_000_000, toMs: 1_800_000_600_000 } } as const;
    writeRange(query, range);
    expect(readRange(query)).toEqual(range);
  });
  it("leaves no trace of the default and clears the ends", () => {
    const query = new URLSearchParams("range=6h&from=a&to=b&q=1");
    writeRange(query, { key: "live", fixed: null });
    expect(query.toString()).toBe("q=1");
  });
  it("ignores nonsense and ends the wrong way round", () => {
    expect(readRange(new URLSearchParams("range=9y&from=2026-11-20T10:00:00Z&to=2026-11-20T09:00:00Z"))).toEqual({
      key: "live",
      fixed: null,
    });
  });
  it("never zooms in further than three stored points", () =>
    expect(zoomed("1h", 100_000, 101_000).fixed).toEqual({ fromMs: 85_000, toMs: 116_000 }));
  it("moves with the time unless fixed", () =>
    expect(endsOf({ key: "1h", fixed: null }, 7_200_000)).toEqual({ fromMs: 3_600_000, toMs: 7_200_000 }));
});

describe("axes", () => {
  it("ends at clean numbers of the unit", () => {
    expect([niceTop(37, "percent"), niceTop(0, "percent"), niceTop(0.3, "ratio"), niceTop(430, "count")]).toEqual([40, 1, 0.4, 500]);
    expect(formatTick(niceTop(23 * 2 ** 20, "bytes_per_second"), "bytes_per_second")).toBe("40 MiB");
  });
  it("is never below its values", () => {
    for (let value = 0.01; value < 1e12; value *= 1.7)
      for (const unit of ["bytes", "count", "percent"] as const) expect(niceTop(value, unit)).toBeGreaterThanOrEqual(value);
  });
  it("puts time ticks on round times inside the range", () => {
    const splits = timeSplits(1_763_600_007, 1_763_603_607, 520);
    expect(splits.length).toBeGreaterThan(2);
    expect(splits.every((t) => t % 300 === 0 && t >= 1_763_600_007 && t <= 1_763_603_607)).toBe(true);
  });
  it("shows a gap as a dash", () => expect(formatValue(null, "percent")).toBe("–"));
});

describe("datasets", () => {
  it("orders instances as people count", () =>
    expect(
      datasetOf(result)
        .series.get("disk.read")
        ?.map((s) => s.instance),
    ).toEqual(["sdb2", "sdb10"]));
  it("adds up with a gap only where all have one", () =>
    expect(sumOf(datasetOf(result).series.get("disk.read") ?? [], 3)).toEqual([11, 20, null]));
  it("stacks without inventing values", () =>
    expect(
      stack([
        [1, null, null],
        [2, 3, null],
      ]),
    ).toEqual([
      [1, null, null],
      [3, 3, null],
    ]));
  it("exports a row a point", () =>
    expect(metricsCsv(datasetOf(result)).split("\r\n").slice(0, 2)).toEqual([
      "time,disk.read{sdb2},disk.read{sdb10}",
      "1970-01-01T00:00:00.000Z,10,1",
    ]));
});

describe("chart definitions", () => {
  it("ask only for measures that the catalogue has", () => {
    for (const metric of metricsOf([...overview, ...deviceCharts("x")])) {
      const [family = ""] = metric.split(".");
      expect(familyByName(family)?.measures.map((m) => `${family}.${m.name}`)).toContain(metric);
    }
  });
  it("draw single devices apart", () =>
    expect(
      deviceCharts("sdb2")[0]
        ?.lines(datasetOf(result))
        .map((l) => l.mean),
    ).toEqual([[10, 20, null]]));
});
