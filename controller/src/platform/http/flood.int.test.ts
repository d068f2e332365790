import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newTokenSecret } from "../../features/tokens/secret.ts";
import { createAuth } from "../auth/index.ts";
import { testWeb, type TestWeb } from "../../testing/web.ts";
import { createApi } from "./api.ts";

describe("a flood of made-up credentials", () => {
  const limit = 40;
  const spare = 4;
  /** In the middle of a minute that does not end. */
  const now = { ms: Math.floor(Date.now() / 60_000) * 60_000 + 30_000 };
  let web: TestWeb;
  beforeAll(async () => {
    web = await testWeb({ rateLimit: { known: 1e6, unknown: limit } }, {});
    (web.ctx as { clock: { now: () => number } }).clock.now = () => now.ms;
  });
  afterAll(() => web.close());

  /** An address of its own each, so that one test does not use up what another needs. */
  const world = (lookUps: string[]) => {
    const auth = createAuth(web.ctx, {
      findToken: async (secret, _caller, beforeLookUp) => {
        beforeLookUp();
        lookUps.push(secret);
        return secret.startsWith("good")
          ? {
              kind: "token",
              id: randomUUID(),
              name: "t",
              organizationId: web.ctx.installation.defaultOrganizationId,
              access: { grants: [], bound: null, installationAdministrator: false },
              userId: null,
              email: null,
              sessionId: null,
              confirmedAtMs: null,
              expiresAtMs: null,
            }
          : null;
      },
    });
    let left = limit;
    const verdict = (allowed: boolean) => ({ allowed, limit, remaining: left, resetSeconds: 30 });
    const api = createApi(web.ctx, auth, {
      limits: {
        take: (key) => (key.includes("address") ? verdict(left > 0 && left-- > 0) : verdict(true)),
        spent: () => (left === 0 ? verdict(false) : null),
      },
    });
    return async (token: string) => {
      const answer = await api.fetch(new Request("http://localhost/api/v1/nothing", { headers: { authorization: `Bearer ${token}` } }));
      return [answer.status, answer.headers.get("retry-after"), answer.headers.get("ratelimit-remaining")];
    };
  };

  it("costs hardly a look-up once its address has used up what it may", async () => {
    const lookUps: string[] = [];
    const ask = world(lookUps);
    for (let i = 0; i < limit; i++) expect((await ask(`bad${i}`))[0]).toBe(401);
    for (let i = 0; i < 100; i++) expect(await ask(`worse${i}`)).toEqual([429, "30", "0"]);
    expect(lookUps).toHaveLength(limit + spare);
  });

  it("does not keep out who was in before from the same address", async () => {
    const lookUps: string[] = [];
    const ask = world(lookUps);
    expect((await ask("good1"))[0]).toBe(404);
    for (let i = 0; i < limit; i++) await ask(`bad${i}`);
    expect((await ask("good-but-new"))[0]).toBe(404);
    for (let i = 0; i < 10; i++) await ask(`worse${i}`);
    now.ms += 11_000;
    expect((await ask("good1"))[0]).toBe(404);
    expect(lookUps.filter((secret) => secret === "good1")).toHaveLength(2);
    expect((await ask("good2"))[0]).toBe(429);
  });

  it("asks the database once for a token that is none, and never on behalf of a probe", async () => {
    const queries: string[] = [];
    const { sql } = web.ctx;
    const counted = new Proxy(sql, {
      apply: (target, self, args: unknown[]) => {
        const text = (args[0] as { raw?: string[] }).raw?.join("?") ?? "";
        if (text.includes("from api_tokens t join")) queries.push(text);
        return Reflect.apply(target as never, self, args);
      },
    });
    const { createTokenFinder } = await import("../../features/tokens/index.ts");
    const finder = createTokenFinder({ ...web.ctx, sql: counted });
    const secret = newTokenSecret();
    for (let i = 0; i < 5; i++) expect(await finder.find(secret, null)).toBeNull();
    expect(queries).toHaveLength(1);
    now.ms += 11_000;
    await finder.find(secret, null);
    expect(queries).toHaveLength(2);
    // One that exists is seen at once, whatever was asked before.
    expect((await finder.find(await web.token("view"), null))?.kind).toBe("token");
    await finder.close();

    let asked = 0;
    const auth = createAuth(web.ctx, { findToken: async () => (asked++, null) });
    const api = createApi(web.ctx, auth);
    const { healthRoutes } = await import("./health.ts");
    healthRoutes(api, web.ctx);
    for (const path of ["/healthz", "/readyz"])
      expect((await api.fetch(new Request(`http://localhost${path}`, { headers: { authorization: `Bearer ${secret}` } }))).status).toBe(
        200,
      );
    expect(asked).toBe(0);
  });
});
