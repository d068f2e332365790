import { expect, it } from "vitest";
import { untilNextTick } from "./sampler.ts";

it.each([
  ["right after a tick", 1000.3, 999.7],
  ["when a reading was slow", 1400, 600],
  ["when the next tick would come too soon", 1800, 1200],
  ["after a pause of an hour and a bit", 3_600_250, 750],
])("keeps to the grid %s", (_, nowMs, expected) => expect(untilNextTick(nowMs, 0)).toBeCloseTo(expected, 6));

it("keeps to a grid that does not begin at zero", () => expect(untilNextTick(7123.5 + 3000 + 20, 7123.5)).toBeCloseTo(980, 6));
