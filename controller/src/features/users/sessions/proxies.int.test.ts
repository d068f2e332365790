import { afterAll, beforeAll, expect, it } from "vitest";
import { adminEmail, adminPassword, testWeb, type TestWeb } from "../../../testing/web.ts";

let behind: TestWeb;
let open: TestWeb;
beforeAll(async () => {
  behind = await testWeb({ trustedProxies: ["127.0.0.1", "10.0.0.0/8"] });
  open = await testWeb();
});
afterAll(async () => {
  await behind.close();
  await open.close();
});

/** Address of the sign-in in the audit log. */
async function addressOf(web: TestWeb, forwardedFor: string): Promise<string> {
  const json = { email: adminEmail, password: adminPassword };
  const answer = await web.ask("/api/v1/session", { method: "POST", json, headers: { "x-forwarded-for": forwardedFor } });
  expect(answer.status).toBe(200);
  const [row] = await web.ctx.sql<
    { address: string }[]
  >`select address from audit_log where action = 'users.sign-in' order by sequence desc limit 1`;
  return row!.address;
}

it("addresses are true behind one proxy and behind two, and nobody makes one up", async () => {
  expect(await addressOf(behind, "198.51.100.7")).toBe("198.51.100.7");
  expect(await addressOf(behind, "198.51.100.7, 10.1.2.3")).toBe("198.51.100.7");
  expect(await addressOf(behind, "203.0.113.9, 198.51.100.7")).toBe("198.51.100.7");
  expect(await addressOf(behind, "203.0.113.9, 198.51.100.7, 10.1.2.3")).toBe("198.51.100.7");
  expect(await addressOf(open, "198.51.100.7")).toBe("127.0.0.1");
});

it("a header that anybody can write opens no closed account", async () => {
  const guess = (forwardedFor: string) =>
    open.ask("/api/v1/session", {
      method: "POST",
      json: { email: "x@example.com", password: "guess" },
      headers: { "x-forwarded-for": forwardedFor },
    });
  for (let i = 0; i < 5; i++) expect((await guess(`198.51.100.${i}`)).status).toBe(401);
  expect((await guess("198.51.100.99")).status).toBe(429);
});
