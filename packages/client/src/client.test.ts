import { expect, it } from "vitest";
import { createClient, targetOf } from "./client.ts";
import { DevFlowError } from "./error.ts";

/** A client whose controller answers these one after the other, and what it was sent. */
function scripted(answers: (() => Response)[], options: { retries?: number } = {}) {
  const sent: { url: string; headers: Headers; method: string; body: string | undefined }[] = [];
  const fetching = (async (url: URL, init: RequestInit) => {
    sent.push({ url: url.href, headers: new Headers(init.headers), method: init.method ?? "", body: init.body as string | undefined });
    return answers.shift()!();
  }) as unknown as typeof fetch;
  return { client: createClient({ url: "http://d.example", token: "T", fetch: fetching, ...options }), sent };
}
const json =
  (body: unknown, status = 200) =>
  () =>
    Response.json(body, { status });
const busy = (status: number, retryAfter?: string) => () =>
  Response.json(
    { code: status === 429 ? "rate_limited" : "unavailable", detail: "later", requestId: "R" },
    { status, headers: { "content-type": "application/problem+json", ...(retryAfter === undefined ? {} : { "retry-after": retryAfter }) } },
  );
const id = "0b5c6e0e-0000-4000-8000-000000000000";

it("writes paths and queries so that no value leaves its place", () => {
  expect(targetOf("/a/{id}/b", { path: { id: "../x?y" } })).toBe("/a/..%2Fx%3Fy/b");
  expect(targetOf("/a", { query: { q: "a b&c", n: 5, none: undefined } })).toBe("/a?q=a+b%26c&n=5");
  expect(targetOf("/a", { query: { tag: ["x", "y,z"], none: [] } })).toBe("/a?tag=x&tag=y%2Cz");
  for (const wrong of ["", ".", ".."]) expect(() => targetOf("/a/{id}", { path: { id: wrong } })).toThrow("id is missing");
});

it("tries a GET again after Retry-After, and gives up on a longer wait than allowed", async () => {
  const { client, sent } = scripted([busy(429, "0"), busy(503, "0"), json({ id })]);
  await expect(client.get("/api/v1/servers/{id}", { path: { id } })).resolves.toEqual({ id });
  expect(sent).toHaveLength(3);
  const slow = scripted([busy(429, "3600")]);
  await expect(slow.client.get("/api/v1/me")).rejects.toMatchObject({ code: "rate_limited", retryAfterSeconds: 3600 });
});

it("repeats a POST under one key, and never one without, nor a PATCH or DELETE", async () => {
  const post = scripted([busy(503, "0"), json({}), json({})]);
  await post.client.post("/api/v1/enrolment-tokens", { body: {} });
  await post.client.post("/api/v1/enrolment-tokens", { body: {} });
  const keys = post.sent.map(({ headers }) => headers.get("idempotency-key"));
  expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
  expect(keys[1]).toBe(keys[0]);
  expect(keys[2]).not.toBe(keys[0]);
  for (const call of [
    (c: typeof post.client) => c.post("/api/v1/enrolment-tokens", { body: {}, idempotencyKey: false }),
    (c: typeof post.client) => c.patch("/api/v1/servers/{id}", { path: { id }, body: { name: "n" } }),
    (c: typeof post.client) => c.delete("/api/v1/servers/{id}", { path: { id } }),
  ]) {
    const { client, sent } = scripted([busy(503, "0"), json({})]);
    await expect(call(client)).rejects.toMatchObject({ code: "unavailable", status: 503 });
    expect(sent).toHaveLength(1);
  }
});

it("says what is wrong when something else than DevFlow answers", async () => {
  const html = () => new Response("<html>", { status: 200, headers: { "content-type": "application/json" } });
  await expect(scripted([html]).client.get("/api/v1/me")).rejects.toMatchObject({ code: "not_devflow" });
  const gateway = () => new Response("<html>bad gateway</html>", { status: 502 });
  await expect(scripted([gateway]).client.get("/api/v1/me")).rejects.toMatchObject({ code: "unavailable", status: 502 });
  const empty = () => new Response("null", { status: 500, headers: { "content-type": "application/json" } });
  await expect(scripted([empty]).client.get("/api/v1/me")).rejects.toBeInstanceOf(DevFlowError);
});

it("sends the token nowhere else", async () => {
  const { client, sent } = scripted([() => new Response(null, { status: 302, headers: { location: "https://evil.example/" } })]);
  await expect(client.get("/api/v1/me")).rejects.toThrow("leads to https://evil.example/");
  expect(sent).toHaveLength(1);
});

it("ends at once when the caller does not wait any more", async () => {
  const stop = new AbortController();
  const { client } = scripted([busy(429, "20"), json({})]);
  const asked = client.get("/api/v1/me", { signal: stop.signal });
  setTimeout(() => stop.abort(new Error("enough")), 5);
  await expect(asked).rejects.toThrow("enough");
});
