import { afterEach, expect, it, vi } from "vitest";
import { address, api, ApiError, asCurl, onUnauthenticated } from "./client.ts";

const answer = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  vi.stubGlobal(
    "fetch",
    vi.fn(async () => new Response(body === undefined ? null : JSON.stringify(body), { status, headers })),
  );
afterEach(() => vi.unstubAllGlobals());

it("builds addresses that people can read", () =>
  expect(address("/a", { ids: "x,y", from: "2026-11-20T10:00:00Z", none: undefined, q: "a b&c" })).toBe(
    "/a?ids=x,y&from=2026-11-20T10:00:00Z&q=a%20b%26c",
  ));
it("keeps the token out of the copied line and quotes out of the shell", () =>
  expect(asCurl("https://d.example", "/api/v1/servers?search=o'x")).toBe(
    `curl -fsS -H "Authorization: Bearer $DEVFLOW_TOKEN" 'https://d.example/api/v1/servers?search=o%27x'`,
  ));
it("turns a problem document into an error with request id and fields", async () => {
  answer(422, {
    title: "Invalid",
    status: 422,
    code: "invalid",
    detail: "The name is wrong.",
    requestId: "R1",
    errors: [{ path: "name", message: "too short" }],
  });
  await expect(api.updateServer("1", { name: "x" })).rejects.toMatchObject({
    status: 422,
    code: "invalid",
    message: "The name is wrong.",
    requestId: "R1",
    fields: { name: "too short" },
  });
});
it("says offline when no answer comes", async () => {
  vi.stubGlobal(
    "fetch",
    vi.fn(async () => {
      throw new TypeError("failed");
    }),
  );
  await expect(api.me()).rejects.toMatchObject({ status: 0, code: "offline" });
});
it("keeps an error without a document readable", async () => {
  vi.stubGlobal(
    "fetch",
    vi.fn(async () => new Response("<html>bad gateway</html>", { status: 502 })),
  );
  await expect(api.me()).rejects.toThrow(/answered 502/);
});
it("tells of an ended session, but not of a wrong password", async () => {
  const ended = vi.fn<() => void>();
  onUnauthenticated(ended);
  answer(401, { code: "unauthenticated", detail: "Sign in" });
  await expect(api.signIn("a@b.de", "x")).rejects.toBeInstanceOf(ApiError);
  expect(ended).not.toHaveBeenCalled();
  await expect(api.me()).rejects.toBeInstanceOf(ApiError);
  expect(ended).toHaveBeenCalledOnce();
});
it("follows a list to its end", async () => {
  const pages = [
    { items: [1], nextCursor: "c" },
    { items: [2], nextCursor: null },
  ];
  const fetching = vi.fn<(url: string) => Promise<Response>>(async () => new Response(JSON.stringify(pages.shift())));
  vi.stubGlobal("fetch", fetching);
  await expect(api.tokens()).resolves.toEqual([1, 2]);
  expect(fetching.mock.calls[1]?.[0]).toContain("cursor=c");
});
it("gives every POST a key of its own", async () => {
  const keys: unknown[] = [];
  vi.stubGlobal(
    "fetch",
    vi.fn(async (_url: string, init: RequestInit) => {
      keys.push((init.headers as Record<string, string>)["idempotency-key"]);
      return new Response("{}");
    }),
  );
  await api.createEnrolmentToken({});
  await api.createEnrolmentToken({});
  expect(new Set(keys).size).toBe(2);
  expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
});
