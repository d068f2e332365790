import { expect, it } from "vitest";
import { z } from "zod";
import type { RouteDefinition } from "../route.ts";
import { etagOf, isSame, isUnchanged, tagsOf } from "./etag.ts";

const route = {
  method: "get",
  path: "/x",
  permission: "authenticated",
  tag: "x",
  summary: "x",
  response: z.any(),
} satisfies RouteDefinition;
const versioned = { ...route, version: ({ name }: { name: string }) => name } as RouteDefinition;
const tag = (definition: RouteDefinition, body: object) => etagOf(definition, body, JSON.stringify(body));

it("tells one answer from another", () => {
  const etag = tag(route, { name: "a" });
  expect(etag).toMatch(/^W\/"[\w-]{22}"$/);
  expect([isSame(etag, etag), isSame('"other", *', etag), isSame(`"x", ${etag}`, etag), isSame(etag.slice(2), etag)]).toEqual([
    true,
    true,
    true,
    true,
  ]);
  expect([isSame(tag(route, { name: "b" }), etag), isSame(null, etag), isSame("", etag)]).toEqual([false, false, false]);
});

it("holds a thing for unchanged while only what changes by itself did", () => {
  const before = tag(versioned, { name: "a", load: 1 });
  expect(isUnchanged(before, tag(versioned, { name: "a", load: 2 }))).toBe(true);
  expect(isSame(before, tag(versioned, { name: "a", load: 2 }))).toBe(false);
  expect(isUnchanged(before, tag(versioned, { name: "b", load: 1 }))).toBe(false);
  expect(isUnchanged("*", before)).toBe(true);
  expect(isUnchanged(tag(route, { name: "a" }), tag(route, { name: "b" }))).toBe(false);
});

it("reads lists of tags", () => {
  expect(tagsOf('W/"a", "b",c , *')).toEqual(["a", "b", "c", "*"]);
});
