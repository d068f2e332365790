import { describe, expect, it } from "vitest";
import { best, score } from "./find.ts";
import { shortcutOf } from "./shortcuts.ts";

const press = (key: string, over = {}) => ({ key, ctrlKey: false, metaKey: false, altKey: false, ...over });

describe("shortcutOf", () => {
  it("opens the palette everywhere", () => expect(shortcutOf(press("k", { metaKey: true }), true, false)).toEqual({ do: "palette" }));
  it("leaves typing alone", () =>
    expect(["/", "?", "g", "n"].map((k) => shortcutOf(press(k), true, false))).toEqual([null, null, null, null]));
  it("goes to a page with two keys", () => {
    expect(shortcutOf(press("g"), false, false)).toEqual({ do: "prefix" });
    expect(shortcutOf(press("s"), false, true)).toEqual({ do: "go", key: "s" });
    expect(shortcutOf(press("s"), false, false)).toBeNull();
  });
  it("leaves the browser's own keys alone", () => expect(shortcutOf(press("n", { ctrlKey: true }), false, false)).toBeNull());
});

describe("find", () => {
  it("prefers beginnings, then words, then parts, then letters in order", () => {
    const names = ["sandbox", "db-01", "web-db", "d-a-b", "cache"];
    expect(best(names, (n) => n, "db", 10)).toEqual(["db-01", "web-db", "sandbox", "d-a-b"]);
  });
  it("knows what does not match", () => expect(score("cache", "xyz")).toBe(0));
});
