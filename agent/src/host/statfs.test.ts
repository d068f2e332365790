import type { statfs } from "node:fs";
import { expect, it } from "vitest";
import { SpaceReader } from "./statfs.ts";

it("leaves storage that does not answer alone, goes on with the rest, and keeps threads free", () => {
  const asked: string[] = [];
  const waiting = new Map<string, (error: Error | null) => void>();
  const dead = ((path: string, done: (error: Error | null) => void) => {
    asked.push(path);
    waiting.set(path, done);
  }) as unknown as typeof statfs;
  const reader = new SpaceReader(dead);
  const answers: unknown[] = [];
  const ask = (path: string): boolean => reader.ask(path, (space) => answers.push([path, space]));

  expect([ask("/a"), ask("/a"), ask("/b"), ask("/c")]).toEqual([true, false, true, false]);
  expect(asked).toEqual(["/a", "/b"]);
  waiting.get("/a")?.(new Error("gone"));
  expect(answers).toEqual([["/a", null]]);
  expect([ask("/c"), ask("/b")]).toEqual([true, false]);
});
