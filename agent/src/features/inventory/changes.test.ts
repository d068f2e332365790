import { create } from "@bufbuild/protobuf";
import { InventorySchema } from "@devflow/proto/inventory/v1/inventory";
import { expect, it } from "vitest";
import { sameInventory } from "./changes.ts";

const at = (bootTimeS: bigint, hostname = "a") => create(InventorySchema, { bootTimeS, hostname });

it("takes a boot time that moved with the clock as the same, another boot and other facts as a change", () => {
  expect(sameInventory(at(1000n), at(1004n))).toBe(true);
  expect(sameInventory(at(1000n), at(5000n))).toBe(false);
  expect(sameInventory(at(1000n), at(1000n, "b"))).toBe(false);
});
