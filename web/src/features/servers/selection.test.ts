import { expect, it } from "vitest";
import { Selection } from "./selection.svelte.ts";

it("chooses rows, ranges from the last one, and all", () => {
  const list = ["a", "b", "c", "d", "e"];
  const chosen = new Selection();
  chosen.extend("b", list);
  expect([...chosen.ids]).toEqual(["b"]);
  chosen.extend("d", list);
  expect([...chosen.ids]).toEqual(["b", "c", "d"]);
  chosen.toggle("c");
  chosen.extend("a", list);
  expect([...chosen.ids].toSorted()).toEqual(["a", "b", "c", "d"]);
  chosen.all(list);
  expect(chosen.size).toBe(5);
  chosen.keep((id) => id !== "e");
  expect(chosen.size).toBe(4);
  chosen.all(["a", "b"]);
  expect(chosen.size).toBe(0);
});
