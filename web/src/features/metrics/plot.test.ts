import { expect, it } from "vitest";
import { columnsOf, lonely, shapeOf } from "./plot.ts";
import { overview } from "./specs.ts";

const line = (label: string, mean: (number | null)[], max: (number | null)[] | null) => ({ label, mean, max });
const data = { times: [1, 2], fromSeconds: 1, toSeconds: 2, stepSeconds: 1, series: new Map() };

it("finds values that no line would show", () => {
  expect(lonely([null, 1, null, 2, 3, null, 4])).toEqual([1, 6]);
  expect(lonely([1, 2])).toBeNull();
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
