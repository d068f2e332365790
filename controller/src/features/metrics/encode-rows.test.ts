import { RejectionReason } from "@devflow/proto/metrics/v1/metrics";
import { describe, expect, it } from "vitest";
import { CopyBuffer } from "./copy-buffer.ts";
import { encodeRows } from "./encode-rows.ts";
import { familyRows } from "./ingest.testkit.ts";
import { rowShapes, type RowShape } from "./row-shape.ts";

const shapeOf = (name: string): RowShape => rowShapes.find((s) => s.family.name === name) as RowShape;
const owner = { serverNo: 7, timeS: 946_684_810, samples: 10 };

/** Fields of each row of a binary COPY: bytes, or null. */
function parse(copy: Buffer): (Buffer | null)[][] {
  const rows: (Buffer | null)[][] = [];
  let at = 19;
  for (;;) {
    const fields = copy.readInt16BE(at);
    at += 2;
    if (fields === -1) {
      if (at !== copy.length) throw new Error(`the trailer ends at ${at} of ${copy.length} bytes`);
      return rows;
    }
    rows.push(
      Array.from({ length: fields }, () => {
        const length = copy.readInt32BE(at);
        at += 4 + Math.max(0, length);
        return length < 0 ? null : copy.subarray(at - length, at);
      }),
    );
  }
}

describe("encodeRows", () => {
  it("writes PostgreSQL's binary format, in a buffer that grows", () => {
    const out = new CopyBuffer(1024);
    const rows = familyRows(
      "filesystem",
      Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`/m${i}`, { total: 2 ** 40 + i, used: i }])),
    );
    expect(
      encodeRows(
        rows,
        shapeOf("filesystem"),
        owner,
        Int32Array.from({ length: 100 }, (_, i) => i + 1),
        out,
        null,
      ),
    ).toBeNull();
    const parsed = parse(out.finished());
    expect(parsed).toHaveLength(100);
    const [serverNo, instanceNo, time, samples, total, used, available] = parsed[41] as (Buffer | null)[];
    expect([
      serverNo?.readInt32BE(),
      instanceNo?.readInt32BE(),
      time?.readBigInt64BE(),
      samples?.readInt16BE(),
      total?.readBigInt64BE(),
      used?.readBigInt64BE(),
      available,
    ]).toEqual([7, 42, 10_000_000n, 10, 2n ** 40n + 41n, 41n, null]);
  });

  it("writes times before 2000 and far ahead as PostgreSQL counts them", () => {
    for (const timeS of [946_684_790, 4_102_444_800]) {
      const out = new CopyBuffer();
      encodeRows(familyRows("host", { "": {} }), shapeOf("host"), { ...owner, timeS }, Int32Array.of(0), out, null);
      expect(parse(out.finished())[0]?.[2]?.readBigInt64BE()).toBe(BigInt(timeS - 946_684_800) * 1_000_000n);
    }
  });

  it("tells every row's values to who wants to see them, nulls as NaN", () => {
    const seen: [string, number, number][] = [];
    const rows = familyRows("network", { eth0: { receive: 3 }, lo: { transmit: 4 } });
    encodeRows(rows, shapeOf("network"), owner, Int32Array.of(1, 2), new CopyBuffer(), (_, name, values) =>
      seen.push([name, values[0] as number, values[2] as number]),
    );
    expect(seen).toEqual([
      ["eth0", 3, Number.NaN],
      ["lo", Number.NaN, 4],
    ]);
  });

  it.each([
    ["a negative value", { cpu_busy: -1 }, RejectionReason.OUT_OF_RANGE],
    ["more than an int holds", { processes: 2 ** 31 }, RejectionReason.OUT_OF_RANGE],
    ["3000 percent", { cpu_busy: 300_000 }, RejectionReason.OUT_OF_RANGE],
  ])("refuses %s", (_, values, reason) => {
    expect(encodeRows(familyRows("host", { "": values }), shapeOf("host"), owner, Int32Array.of(0), new CopyBuffer(), null)?.reason).toBe(
      reason,
    );
  });
});
