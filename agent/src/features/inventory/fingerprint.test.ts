import { expect, it } from "vitest";
import { fingerprintOf } from "./fingerprint.ts";

it("is stable, differs by machine and does not show the id", () => {
  const id = "0123456789abcdef0123456789abcdef";
  const print = fingerprintOf(id);
  expect(print).toBe("773fc14800ab9531ccc510d9f5255dc798da804ad6638e8989930c66ddebfc20");
  expect(print).not.toContain(id);
  expect(fingerprintOf("1123456789abcdef0123456789abcdef")).not.toBe(print);
});

it("is empty without a proper machine-id", () => expect(["", "uninitialized", "0123"].map(fingerprintOf)).toEqual(["", "", ""]));
