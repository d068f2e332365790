import { expect, it } from "vitest";
import { toCsv } from "./csv.ts";

it("writes a line a step, a column a series, and nothing for a gap", () => {
  const csv = toCsv({
    serverId: "s",
    from: "",
    to: "",
    stepSeconds: 10,
    tier: "10s",
    times: [0, 10],
    series: [
      { metric: "host.load_1", instance: "", unit: "ratio", mean: [0.5, null], max: null },
      { metric: "disk.read", instance: 'a"b,c', unit: "bytes_per_second", mean: [1, 2], max: [3, 4] },
    ],
  });
  expect(csv).toBe(
    'time,"host.load_1 ratio","disk.read[a""b,c] bytes_per_second","disk.read[a""b,c] max bytes_per_second"\r\n' +
      "1970-01-01T00:00:00.000Z,0.5,1,3\r\n1970-01-01T00:00:10.000Z,,2,4\r\n",
  );
});
