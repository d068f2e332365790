import { describe, expect, it } from "vitest";
import { familyByName } from "@devflow/catalogue";
import { LiveBuffer } from "./live-buffer.ts";

const at = familyByName("host")?.measures.findIndex((m) => m.name === "cpu_busy") ?? -1;
const frame = (seconds: number, cpu: number) => {
  const values: (number | null)[] = (familyByName("host")?.measures ?? []).map(() => null);
  values[at] = cpu;
  return { type: "frame" as const, serverId: "s", timeMs: seconds * 1000, rows: [{ family: "host", instance: "", values }] };
};
const history = {
  times: [70, 80, 90, 100, 110],
  fromSeconds: 0,
  toSeconds: 110,
  stepSeconds: 10,
  series: new Map([["host.cpu_busy", [{ instance: "", mean: [7, 8, 9, 10, 11], max: null }]]]),
};
const cpuOf = (buffer: LiveBuffer, past: typeof history | null) => {
  const data = buffer.dataset(past, buffer.lastSeconds ?? 0);
  return [data.times, data.series.get("host.cpu_busy")?.[0]?.mean];
};

describe("LiveBuffer", () => {
  it("goes on where the stored points end", () => {
    const buffer = new LiveBuffer(60);
    buffer.push(frame(101, 50));
    buffer.push(frame(102, 51));
    expect(cpuOf(buffer, history)).toEqual([
      [70, 80, 90, 100, 101, 102],
      [7, 8, 9, 10, 50, 51],
    ]);
  });
  it("leaves a gap where seconds are missing", () => {
    const buffer = new LiveBuffer(60);
    buffer.push(frame(101, 50));
    buffer.push(frame(120, 51));
    expect(cpuOf(buffer, null)).toEqual([
      [101, 102, 120],
      [50, null, 51],
    ]);
  });
  it("puts earlier seconds where they belong when they come later", () => {
    const buffer = new LiveBuffer(60);
    buffer.push(frame(104, 4));
    buffer.push(frame(105, 5));
    buffer.merge([frame(101, 1), frame(102, 2), frame(103, 3), frame(104, 9)]);
    expect(cpuOf(buffer, history)).toEqual([
      [70, 80, 90, 100, 101, 102, 103, 104, 105],
      [7, 8, 9, 10, 1, 2, 3, 4, 5],
    ]);
    buffer.merge([frame(101, 1)]);
    buffer.push(frame(106, 6));
    expect(cpuOf(buffer, null)).toEqual([
      [101, 102, 103, 104, 105, 106],
      [1, 2, 3, 4, 5, 6],
    ]);
    // What became too old does not come back.
    for (let second = 107; second <= 170; second++) buffer.push(frame(second, second));
    buffer.merge([frame(101, 1)]);
    expect(buffer.dataset(null, 170).times[0]).toBe(110);
  });
  it("drops old and repeated frames", () => {
    const buffer = new LiveBuffer(2);
    for (const second of [101, 102, 102, 101, 103, 104]) buffer.push(frame(second, second));
    expect(cpuOf(buffer, null)).toEqual([
      [102, 103, 104],
      [102, 103, 104],
    ]);
  });
  it("gives an instance that comes later a gap before it", () => {
    const buffer = new LiveBuffer(60);
    buffer.push(frame(101, 1));
    buffer.push({ ...frame(102, 2), rows: [...frame(102, 2).rows, { family: "disk", instance: "sdb", values: [5, 6] }] });
    buffer.push(frame(103, 3));
    expect(buffer.dataset(null, 103).series.get("disk.read")?.[0]?.mean).toEqual([null, 5, null]);
  });
});
