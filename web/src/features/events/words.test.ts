import { expect, it } from "vitest";
import { detailOf, filters, hrefOf, whatHappened } from "./words.ts";
import { eventTypes } from "@devflow/api";

it("says what happened from the type", () => {
  expect(whatHappened("server.offline")).toBe("Server offline");
  expect(whatHappened("user.password-changed")).toBe("Password changed");
  expect(whatHappened("enrolment-token.created")).toBe("Enrolment token created");
});

it("tells what changed, and why", () => {
  expect(detailOf({ data: { reason: "its connection ended" } })).toBe("Its connection ended");
  expect(detailOf({ data: { before: { name: "a", tags: [] }, after: { name: "b", tags: [] } } })).toBe("name: a → b");
  expect(detailOf({ data: { after: { tags: ["x", "y"] } } })).toBe("tags: x, y");
  expect(detailOf({ data: {} })).toBe("");
  const id = "0198c0de-0000-7000-8000-000000000001";
  const moved = { data: { before: { groupId: null }, after: { groupId: id } } };
  expect(detailOf(moved, () => "Data")).toBe("group: Data");
  expect(detailOf(moved)).toBe("group: 0198c0de");
  const given = [
    { role: "view", scopeKind: "organization", scopeName: "Northwind" },
    { role: "edit", scopeKind: "group", scopeName: "Data" },
  ];
  expect(detailOf({ data: { before: [], after: given } })).toBe("none → view, edit of Data");
});

it("links to what is there", () => {
  const subject = { kind: "server", id: "1", name: "a" };
  expect(hrefOf({ type: "server.online", subject })).toBe("/servers/1");
  expect(hrefOf({ type: "server.deleted", subject })).toBeNull();
  expect(hrefOf({ type: "group.updated", subject: { kind: "group", id: "1", name: "Shop edge" } })).toBe(
    "/servers?q=group%3A%22Shop%20edge%22",
  );
});

it("filters by types that there are", () => {
  for (const type of filters.flatMap(([, , types]) => (types === "" ? [] : types.split(",")))) expect(eventTypes).toHaveProperty([type]);
});
