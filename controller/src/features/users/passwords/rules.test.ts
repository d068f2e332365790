import { expect, it } from "vitest";
import { weakness } from "./rules.ts";

const anna = { name: "Anna Schmidt", email: "a.schmidt+ops@example-works.com" };

it.each([
  ["aaaaaaaaaaaa", /five different/],
  ["abcabcabcabcabc", /five different/],
  ["hansihansihansi", /repeated/],
  ["1234567890123", /neighbouring/],
  ["qwertyuiop1234", /neighbouring/],
  ["abcdefghijklmno", /neighbouring/],
  ["9876543210987", /neighbouring/],
  ["iloveyousomuch!!", /common/],
  ["SuperSecretPassword1", /common/],
  ["Administrator2026!", /common/],
  ["schmidt-is-great", /name or e-mail/],
  ["mein Schmidt 99x", /name or e-mail/],
  ["example-works rocks", /name or e-mail/],
])("refuses %s", (password, reason) => expect(weakness(password, anna)).toMatch(reason));

it.each(["p@ssw0rdp@ssw0rd!x", "correct horse battery staple", "another long password", "7f2k9d0sla81"])("takes %s", (password) =>
  expect(weakness(password, anna)).toBeNull(),
);
