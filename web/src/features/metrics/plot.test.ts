import { expect, it } from "vitest";
import { columnsOf, dotted, pointsOf, shapeOf } from "./plot.ts";
import { overview } from "./specs.ts";
import { stack } from "./stack.ts";

const line = (label: string, mean: (number | null)[], max: (number | null)[] | null) => ({ label, mean, max });
const data = { times: [1, 2], fromSeconds: 1, toSeconds: 2, stepSeconds: 1, series: new Map() };

it("marks values that no line would show, and all while they are few", () => {
  const long = [5, 5, 5, 5, 5, 5, 5, 5, 5];
  expect(dotted([null, 1, null, ...long, null, 4])).toEqual([1, 13]);
  expect(dotted(long)).toBeNull();
  expect(dotted([null, 1, 2, null])).toEqual([1, 2]);
  expect(dotted([null, null])).toBeNull();
});
it("marks a layer of a stacked chart only where the lowest is marked", () => {
  const cpu = overview.find((s) => s.id === "cpu");
  if (!cpu) throw new Error("the overview has changed");
  const many = Array.from({ length: 12 }, () => 1);
  expect(pointsOf(cpu, [many, many, many.map((v, i) => (i === 3 ? v : null))], 2)).toBeNull();
  expect(
    pointsOf(
      cpu,
      [
        [1, 2],
        [1, 2],
        [null, 2],
      ],
      2,
    ),
  ).toEqual([1]);
});
it("leaves no line where a layer adds nothing", () => {
  expect(
    stack([
      [1, 1, 1, 1],
      [0, 0, 0, 2],
      [0, 0, 0, 0],
    ]),
  ).toEqual([
    [1, 1, 1, 1],
    [null, null, 1, 3],
    [null, null, null, null],
  ]);
});
it("puts the maximum beside its mean, and sums without maxima when stacked", () => {
  const lines = [line("a", [1, 2], [3, 4]), line("b", [5, null], [6, 7])];
  const [cpu, network] = ["cpu", "network"].map((id) => overview.find((s) => s.id === id));
  if (!cpu || !network) throw new Error("the overview has changed");
  expect(columnsOf(network, lines, data)).toEqual([
    [1, 2],
    [1, 2],
    [3, 4],
    [5, null],
    [6, 7],
  ]);
  expect(columnsOf(cpu, lines, data)).toEqual([
    [1, 2],
    [1, 2],
    [6, 2],
  ]);
});
it("is built again when a line or its maximum comes or goes", () => {
  expect(shapeOf([line("a", [], null)])).not.toBe(shapeOf([line("a", [], [])]));
});
