import { expect, it } from "vitest";
import { sparkPath } from "./spark.ts";

it("lifts the pen at a gap", () => expect(sparkPath([0, 100, null, 50], 30, 12)).toBe("M0.0 11.0L10.0 1.0M30.0 6.0"));
it("draws nothing of nothing", () => expect(sparkPath([], 30, 12)).toBe(""));
