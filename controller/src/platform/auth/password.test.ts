import { expect, it } from "vitest";
import { hashPassword, verifyPassword } from "./password.ts";

it("knows the password it hashed, and no other", async () => {
  const hash = await hashPassword("correct horse battery");
  expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[\w+/]{22}\$[\w+/]{43}$/);
  expect(await verifyPassword({ hash, password: "correct horse battery" })).toBe(true);
  expect(await verifyPassword({ hash, password: "correct horse batterz" })).toBe(false);
});

it("never gives two equal hashes", async () => {
  expect(await hashPassword("correct horse battery")).not.toBe(await hashPassword("correct horse battery"));
});

it("takes the same letters typed on another keyboard for the same password", async () => {
  const hash = await hashPassword("caf\u00e9 caf\u00e9 caf\u00e9");
  expect(await verifyPassword({ hash, password: "cafe\u0301 cafe\u0301 cafe\u0301" })).toBe(true);
});

it.each([
  "",
  "$argon2id$",
  "$argon2i$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAA",
  "$argon2id$v=19$m=99999999,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAA",
  "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$",
])("takes %j for nobody's password", async (hash) => expect(await verifyPassword({ hash, password: "" })).toBe(false));

it("agrees with the reference implementation", async () => {
  // echo -n password | argon2 somesaltsomesalt -id -t 2 -k 19456 -p 1 -l 32 -e
  const hash = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$K13EBUiG7JV+9ZxztmHFTdb7J0WQsnj2V8bZaqyPptE";
  expect(await verifyPassword({ hash, password: "password" })).toBe(true);
});
