import { expect, it } from "vitest";
import { entriesOf } from "./entries.ts";
import { testServer } from "./test-server.ts";

const servers = new Map(
  [
    testServer({ name: "a", tags: ["y", "x"], groupId: "g2" }),
    testServer({ name: "b", groupId: "g1" }),
    testServer({ name: "c", tags: ["x"] }),
  ].map((server) => [server.id, server]),
);
const rows = (by: "group" | "tag" | null) =>
  entriesOf(
    [...servers.keys()],
    by,
    (id) => servers.get(id),
    (id) => ({ g1: "One", g2: "Two" })[id] ?? null,
  ).map(({ id, heading, count }) => (id === null ? `${heading} (${count})` : id));

it("puts servers below their group, those without one last", () => {
  expect(rows(null)).toEqual(["a", "b", "c"]);
  expect(rows("group")).toEqual(["One (1)", "b", "Two (1)", "a", "No group (1)", "c"]);
});
it("puts a server below each of its tags, under keys of their own", () => {
  expect(rows("tag")).toEqual(["x (2)", "a", "c", "y (1)", "a", "No tag (1)", "b"]);
  const keys = entriesOf(
    ["a"],
    "tag",
    (id) => servers.get(id),
    () => null,
  ).map(({ key }) => key);
  expect(new Set(keys).size).toBe(keys.length);
});
