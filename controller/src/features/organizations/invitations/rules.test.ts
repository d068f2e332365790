import { describe, expect, it } from "vitest";
import { refusalFor, stateOf } from "./rules.ts";

describe("an invitation", () => {
  const open = { expiresAt: new Date(1_000), acceptedAt: null, revokedAt: null };

  it("is open until its very time, and never again once it was used or revoked", () => {
    expect(stateOf(open, 999)).toBe("open");
    expect(stateOf(open, 1_000)).toBe("expired");
    expect(stateOf({ ...open, acceptedAt: new Date(1) }, 999)).toBe("accepted");
    expect(stateOf({ ...open, revokedAt: new Date(1) }, 999)).toBe("revoked");
  });

  it("by e-mail is for the verified owner of that address alone", () => {
    const anna = { email: "Anna@example.com", emailVerified: true };
    expect(refusalFor("anna@example.com", anna, false)).toBeNull();
    expect(refusalFor("ben@example.com", anna, false)).toMatch(/is for ben@example.com/);
    expect(refusalFor("anna@example.com", { ...anna, emailVerified: false }, false)).toMatch(/verify/);
    expect(refusalFor("anna@example.com", anna, true)).toMatch(/already/);
  });

  it("by link is for whoever holds it, but for those who are in already", () => {
    const someone = { email: "x@example.com", emailVerified: false };
    expect(refusalFor(null, someone, false)).toBeNull();
    expect(refusalFor(null, someone, true)).toMatch(/already/);
  });
});
