import { describe, expect, it } from "vitest";
import { createReadyAnswers, ReadyAnswer, readyKey } from "./ready-answers.ts";
import { roleAccess } from "../../auth/access.ts";
import type { Principal } from "../../auth/index.ts";
import type { RouteDefinition } from "../route.ts";

function world() {
  let nowMs = 0;
  let value = 0;
  let made = 0;
  const answers = createReadyAnswers({ now: () => nowMs });
  const make = async () => {
    made += 1;
    return new ReadyAnswer(String(value), "");
  };
  const read = async (key = "k", organization = "o") => Number(Buffer.from((await answers.get(key, organization, make)).bytes).toString());
  return {
    answers,
    read,
    set: (next: number) => (value = next),
    advance: (ms: number) => (nowMs += ms),
    made: () => made,
  };
}

describe("createReadyAnswers", () => {
  it("makes what is asked for seldom anew each time", async () => {
    const w = world();
    for (let i = 1; i <= 30; i++) {
      w.set(i);
      expect(await w.read()).toBe(i);
      w.advance(120);
    }
  });

  it("keeps what many ask for, for a quarter of a second", async () => {
    const w = world();
    for (let i = 0; i < 1000; i++) await w.read();
    expect(w.made()).toBeLessThanOrEqual(10);
    w.set(7);
    expect(await w.read()).toBe(0);
    w.advance(250);
    expect(await w.read()).toBe(7);
  });

  it("stays warm from second to second, and cools down", async () => {
    const w = world();
    for (let second = 0; second < 5; second++) {
      for (let i = 0; i < 100; i++) {
        await w.read();
        w.advance(10);
      }
    }
    expect(w.made()).toBeLessThanOrEqual(9 + 5 * 4);
    w.advance(5_000);
    w.set(3);
    expect(await w.read()).toBe(3);
  });

  it("shows what was changed through this controller at once, also to who asked while it was made", async () => {
    const w = world();
    for (let i = 0; i < 20; i++) await w.read();
    w.set(1);
    w.answers.changed("o");
    expect(await w.read()).toBe(1);
    w.set(2);
    expect(await w.read()).toBe(1);
    expect(await w.read("k2", "other")).toBe(2);
  });

  it("keeps no failure", async () => {
    const answers = createReadyAnswers({ now: () => 0, hotFrom: 1 });
    const fail = () => Promise.reject(new Error("away"));
    await expect(answers.get("k", "o", fail)).rejects.toThrow("away");
    expect((await answers.get("k", "o", async () => new ReadyAnswer("back", ""))).etag).toBe("");
  });
});

describe("readyKey", () => {
  const route = { permission: "servers.read" } as RouteDefinition;
  const principal = (organizationId: string, access = roleAccess("view", organizationId)) => ({ organizationId, access }) as Principal;
  it("is never the same for two organisations, reaches, paths or queries", () => {
    const part = roleAccess("view", "a");
    const inGroup = { ...part, grants: [{ ...part.grants[0]!, scopeKind: "group" as const, scopeId: "g" }] };
    const keys = [
      readyKey(route, principal("a"), "/x", ""),
      readyKey(route, principal("b"), "/x", ""),
      readyKey(route, principal("a", inGroup), "/x", ""),
      readyKey(route, principal("a", { ...part, bound: inGroup.grants }), "/x", ""),
      readyKey(route, principal("a", { ...inGroup, bound: inGroup.grants }), "/x", ""),
      readyKey(route, principal("a"), "/y", ""),
      readyKey(route, principal("a"), "/x", "?limit=1"),
    ];
    // A token within its holder's one group reaches what a person of that group does, but is bounded twice.
    expect(new Set(keys).size).toBe(keys.length - 1);
    expect(readyKey(route, principal("a", roleAccess("owner", "a")), "/x", "")).toBe(keys[0]);
  });
});
