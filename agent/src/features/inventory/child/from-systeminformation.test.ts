import type { Systeminformation } from "systeminformation";
import { expect, it } from "vitest";
import { gpuOf, isModule, moduleOf } from "./from-systeminformation.ts";

const controller = (fields: Partial<Systeminformation.GraphicsControllerData>): Systeminformation.GraphicsControllerData =>
  ({ vendor: "", model: "", busAddress: "", vram: 256, ...fields }) as Systeminformation.GraphicsControllerData;

it("takes memory of a GPU from the tool or the driver, never from the window that lspci shows", () => {
  const none = (): number => 0;
  expect(gpuOf(controller({ vendor: "Cirrus", model: "GD 5446" }), none)).toEqual({ vendor: "Cirrus", model: "GD 5446", memoryBytes: 0 });
  expect(gpuOf(controller({ name: "NVIDIA L4", model: "AD104GL", memoryTotal: 23_034 }), none)).toMatchObject({
    model: "NVIDIA L4",
    memoryBytes: 23_034 * 2 ** 20,
  });
  expect(gpuOf(controller({ busAddress: "03:00.0" }), (at) => (at === "03:00.0" ? 17_163_091_968 : 0)).memoryBytes).toBe(17_163_091_968);
});

it("keeps filled slots only, and not the whole memory that the library gives without root", () => {
  const module = (size: number, type: string) => ({ size, type, bank: "A1", clockSpeed: 3200 }) as Systeminformation.MemLayoutData;
  expect([module(2 ** 34, "DDR4"), module(0, "Empty"), module(2 ** 34, "")].map(isModule)).toEqual([true, false, false]);
  expect(moduleOf(module(2 ** 34, "DDR4"))).toEqual({ slot: "A1", sizeBytes: 2 ** 34, type: "DDR4", speedMts: 3200 });
});
