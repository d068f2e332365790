import { describe, expect, it } from "vitest";
import { chart, resample, sparkline } from "./chart.ts";
import { clean, createStyle } from "./style.ts";
import { table, widthOf } from "./table.ts";
import { ago, readTime } from "./time.ts";

const plain = createStyle(false);

describe("tables", () => {
  const shape = [
    { title: "NAME", value: (row: string[]) => row[0] ?? "", flexible: true },
    { title: "N", value: (row: string[]) => row[1] ?? "", align: "right" as const },
  ];
  it("line up, wide characters included", () => {
    expect(
      table(
        [
          ["a", "1"],
          ["数据库", "100"],
        ],
        shape,
        plain,
      ),
    ).toBe("NAME      N\na         1\n数据库  100");
    expect([widthOf("abc"), widthOf("数"), widthOf("é"), widthOf("👩‍👩‍👧")]).toEqual([3, 2, 1, 2]);
  });
  it("cut the flexible column to the terminal's width", () => {
    const lines = table([["a-very-long-server-name", "1"]], shape, plain, 15).split("\n");
    expect(lines[1]).toBe("a-very-long…  1");
    expect(Math.max(...lines.map(widthOf))).toBe(15);
  });
  it("show no control characters and no turned text", () => {
    expect(clean("a\u001b[31mb\nc\u202ed")).toBe("a�[31mb�c�d");
  });
});

describe("charts", () => {
  it("scale to the largest value or the given one, and keep gaps", () => {
    expect(sparkline([0, 50, null, 100], 10)).toBe("▁▄ █");
    expect(sparkline([50], 10, 100)).toBe("▄");
    expect(sparkline([0, 0], 10)).toBe("▁▁");
  });
  it("take the mean of what falls together", () => {
    expect(resample([1, 3, null, null, 5, 7], 3)).toEqual([2, null, 6]);
    expect(resample([1, 2], 5)).toEqual([1, 2]);
  });
  it("draw a column as high as its value", () => {
    expect(chart([0, 50, 100], { width: 20, height: 2 }, 100, String)).toEqual(["100 ┤  █", "  0 ┤▁██"]);
  });
});

describe("times", () => {
  const now = Date.UTC(2026, 10, 20, 12);
  it("are read as people write them", () => {
    expect(readTime("now", now)?.getTime()).toBe(now);
    expect(readTime("-2h", now)?.toISOString()).toBe("2026-11-20T10:00:00.000Z");
    expect(readTime("30m", now)?.toISOString()).toBe("2026-11-20T11:30:00.000Z");
    expect(readTime("2026-11-19T10:00:00Z", now)?.toISOString()).toBe("2026-11-19T10:00:00.000Z");
    expect(readTime("2026-11-19", now)?.getHours()).toBe(0);
    for (const wrong of ["", "yesterday", "5", "1y", "2026-13-45", "Nov 3"]) expect([wrong, readTime(wrong, now)]).toEqual([wrong, null]);
  });
  it("are told in the largest unit", () => {
    // In the reader's language, so only the figures are certain.
    expect(
      [ago("2026-11-20T11:57:30Z", now), ago("2026-11-23T12:00:00Z", now), ago("2026-11-20T11:59:58Z", now)].map(
        (text) => /\d+/.exec(text)?.[0],
      ),
    ).toEqual(["2", "3", "2"]);
    expect(ago(null, now)).toBe("never");
  });
});
