import { expect, it } from "vitest";
import { detailOf, filters, hrefOf, whatHappened } from "./words.ts";
import { eventTypes } from "@devflow/api";

it("says what happened from the type", () => {
  expect(whatHappened("server.offline")).toBe("offline");
  expect(whatHappened("user.password-changed")).toBe("password changed");
});

it("tells what changed, and why", () => {
  expect(detailOf({ data: { reason: "its connection ended" } })).toBe("its connection ended");
  expect(detailOf({ data: { before: { name: "a", tags: [] }, after: { name: "b", tags: [] } } })).toBe("name: a → b");
  expect(detailOf({ data: { after: { tags: ["x", "y"] } } })).toBe("tags: x, y");
  expect(detailOf({ data: {} })).toBe("");
});

it("links to what is there", () => {
  const subject = { kind: "server", id: "1", name: "a" };
  expect(hrefOf({ type: "server.online", subject })).toBe("/servers/1");
  expect(hrefOf({ type: "server.deleted", subject })).toBeNull();
});

it("filters by types that there are", () => {
  for (const type of filters.flatMap(([, , types]) => (types === "" ? [] : types.split(",")))) expect(eventTypes).toHaveProperty([type]);
});
