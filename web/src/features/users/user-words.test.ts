import { expect, it } from "vitest";
import { factorWords } from "./user-words.ts";

const none = { hasPassword: false, totp: false, passkey: false, linked: false };

it("says by what somebody signs in", () => {
  expect(factorWords(none)).toBe("none");
  expect(factorWords({ ...none, hasPassword: true, totp: true })).toBe("password, authenticator");
  expect(factorWords({ ...none, linked: true, passkey: true })).toBe("passkey, provider");
});
