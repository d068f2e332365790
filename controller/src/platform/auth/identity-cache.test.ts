import { describe, expect, it } from "vitest";
import { roleAccess } from "./access.ts";
import type { Identity } from "./identity.ts";
import { createIdentityCache } from "./identity-cache.ts";

const identity = (change: Partial<Identity> = {}): Identity => ({
  kind: "user",
  id: "u",
  name: "u",
  organizationId: "o",
  access: roleAccess("view", "o"),
  userId: "u",
  email: null,
  sessionId: "s",
  confirmedAtMs: null,
  expiresAtMs: null,
  ...change,
});

describe("createIdentityCache", () => {
  it("forgets at once what was revoked: a session, a token, a user with everything", () => {
    const cache = createIdentityCache(() => 0);
    cache.set("cookie", identity(), 0);
    cache.set("token", identity({ kind: "token", id: "t", sessionId: null }), 0);
    cache.set("other", identity({ id: "v", userId: "v", sessionId: "s2" }), 0);
    cache.drop("session", "s");
    expect(cache.get("cookie")).toBeUndefined();
    expect(cache.get("token")).toBeDefined();
    cache.drop("user", "u");
    expect(cache.get("token")).toBeUndefined();
    expect(cache.get("other")).toBeDefined();
  });

  it("does not keep an answer that was asked for before a revocation", () => {
    const cache = createIdentityCache(() => 0);
    const before = cache.generation();
    cache.drop("session", "s");
    cache.set("cookie", identity(), before);
    expect(cache.get("cookie")).toBeUndefined();
  });

  it("asks again after its time, and never keeps a session beyond its end", () => {
    let now = 0;
    const cache = createIdentityCache(() => now);
    cache.set("a", identity(), 0);
    cache.set("b", identity({ expiresAtMs: 5 }), 0);
    now = 5;
    expect(cache.get("b")).toBeUndefined();
    now = 10_000;
    expect(cache.get("a")).toBeUndefined();
  });
});
