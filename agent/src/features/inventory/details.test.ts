import { expect, it } from "vitest";
import { parseDetails } from "./details.ts";

it("reads what the child printed and bounds every field", () => {
  const details = parseDetails(
    JSON.stringify({
      gpus: [{ vendor: " NVIDIA\u0007 ", model: "x".repeat(1000), memoryBytes: -1 }, ...Array.from({ length: 100 }, () => ({}))],
      memoryModules: [{ slot: "Not Specified", sizeBytes: 2 ** 34, type: "DDR4", speedMts: 1e12 }],
      chassis: "To Be Filled By O.E.M.",
      hasBattery: "yes",
      base: { cpuThreads: 2.4, blockDevices: [{ name: "sda", sizeBytes: 5, rotational: true }, null], filesystems: "none" },
    }),
  );
  expect(details?.gpus).toHaveLength(32);
  expect(details?.gpus[0]).toEqual({ vendor: "NVIDIA", model: "x".repeat(255), memoryBytes: 0 });
  expect(details?.memoryModules).toEqual([{ slot: "", sizeBytes: 2 ** 34, type: "DDR4", speedMts: 2 ** 32 - 1 }]);
  expect(details).toMatchObject({ chassis: "", hasBattery: false, base: { cpuThreads: 2, filesystems: [] } });
  expect(details?.base?.blockDevices).toEqual([
    { name: "sda", sizeBytes: 5, model: "", rotational: true },
    { name: "", sizeBytes: 0, model: "", rotational: false },
  ]);
});

it("takes an empty object, and nothing that is none", () => {
  expect(parseDetails("{}")).toEqual({ gpus: [], memoryModules: [], chassis: "", hasBattery: false, base: null });
  expect(["", '{"gpus":[', "null", "[]", "5"].map(parseDetails)).toEqual([null, null, null, null, null]);
});
