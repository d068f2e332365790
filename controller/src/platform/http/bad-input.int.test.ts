import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { problem } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { testWeb, type TestWeb } from "../../testing/web.ts";
import { createApi } from "./api.ts";
import { apiPolicy } from "./security-headers.ts";

describe("bad input over HTTP", () => {
  let web: TestWeb;
  let token: string;
  let server: string;
  beforeAll(async () => {
    web = await testWeb();
    token = await web.token("owner");
    server = await web.server();
  });
  afterAll(() => web.close());

  /** Status and code of an answer that is a whole problem document. */
  const problemOf = ({ status, headers, body }: { status: number; headers: Headers; body: unknown }) => {
    const parsed = problem.safeParse(body).data;
    if (parsed?.requestId !== headers.get("x-request-id") || parsed.status !== status) return ["no problem document", body];
    if (headers.get("content-type") !== "application/problem+json") return ["wrong type", headers.get("content-type")];
    return [status, parsed.code];
  };

  it("answers malformed JSON with 400", async () => {
    for (const json of ["{", "", "nul", '{"name":"a"', "[1,]", '{"name":"\ud800"']) {
      expect(problemOf(await web.ask("/api/v1/tokens", { method: "POST", token, json }))).toEqual([400, "malformed"]);
    }
  });

  it("answers other media types with 415", async () => {
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonx"]) {
      expect(problemOf(await web.ask("/api/v1/tokens", { method: "POST", token, json: "{}", headers: { "content-type": type } }))).toEqual([
        415,
        "unsupported_media_type",
      ]);
    }
  });

  it("names each wrong and unknown field with 422", async () => {
    const answer = await web.ask("/api/v1/tokens", {
      method: "POST",
      token,
      json: { name: "", role: "root", admin: true, ["__proto__x"]: 1 },
    });
    expect(problemOf(answer)).toEqual([422, "invalid"]);
    expect(answer.body.errors.map(({ path }: { path: string }) => path).toSorted()).toEqual(["__proto__x", "admin", "name", "role"]);
    for (const json of ["null", "[]", "1", '"x"', '{"__proto__":{"role":"owner"},"name":"x"}']) {
      expect(problemOf(await web.ask("/api/v1/tokens", { method: "POST", token, json }))).toEqual([422, "invalid"]);
    }
  });

  it("refuses unknown, repeated and impossible parameters with 422", async () => {
    for (const query of [
      "?x=1",
      "?limit=0",
      "?limit=501",
      "?limit=-1",
      "?limit=1e3",
      "?limit=1&limit=2",
      "?sort=password",
      "?state=on",
      "?cursor=AAAA",
      `?search=${"x".repeat(101)}`,
      "?search=%00",
      "?cursor=WyJuYW1lIiwiXHUwMDAwIiwieCJd",
    ]) {
      expect(problemOf(await web.ask(`/api/v1/servers${query}`, { token }))).toEqual([422, "invalid"]);
    }
  });

  it("takes what people type into a search literally", async () => {
    for (const search of ["%", "_", "'", "\\", "' or '1'='1", "🦕", "%25"]) {
      const answer = await web.ask(`/api/v1/servers?search=${encodeURIComponent(search)}`, { token });
      expect([search, answer.status, answer.body]).toEqual([search, 200, { items: [], nextCursor: null }]);
    }
  });

  it("refuses text that PostgreSQL cannot keep", async () => {
    expect(problemOf(await web.ask(`/api/v1/tokens`, { method: "POST", token, json: '{"name":"a\\u0000b","role":"view"}' }))).toEqual([
      422,
      "invalid",
    ]);
    const kept = await web.ask(`/api/v1/tokens`, { method: "POST", token, json: '{"name":"a\\\\u0000b","role":"view"}' });
    expect([kept.status, kept.body.token?.name]).toEqual([201, "a\\u0000b"]);
  });

  it("refuses bodies over 1 MiB with 413, announced or not", async () => {
    const big = `{"name":"${"x".repeat(1_100_000)}"}`;
    expect(problemOf(await web.ask("/api/v1/tokens", { method: "POST", token, json: big }))).toEqual([413, "too_large"]);
    const chunked = await fetch(`${web.origin}/api/v1/tokens`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: new Blob([big]).stream(),
      duplex: "half",
    });
    expect([chunked.status, ((await chunked.json()) as { code: string }).code]).toEqual([413, "too_large"]);
  });

  it("refuses a body where none is taken", async () => {
    expect(problemOf(await web.ask(`/api/v1/servers/${server}/revoke`, { method: "POST", token, json: { force: true } }))).toEqual([
      422,
      "invalid",
    ]);
  });

  it("never answers strange paths with a 5xx", async () => {
    for (const path of [
      "/api/v1/servers/%",
      "/api/v1/servers/%ff",
      "/api/v1/servers/..%2f..",
      "/%",
      "//api//v1",
      "/api/v1/servers/%00",
      `/${"a".repeat(8000)}`,
    ]) {
      const answer = await web.ask(path, { token });
      expect([path.slice(0, 40), answer.status]).toEqual([path.slice(0, 40), 404]);
    }
  });

  const raw = (bytes: string) =>
    new Promise<string>((resolve, reject) => {
      const socket = connect(Number(new URL(web.origin).port), "127.0.0.1", () => socket.write(bytes));
      let answer = "";
      socket.on("data", (chunk) => (answer += chunk.toString()));
      socket.on("close", () => resolve(answer));
      socket.on("error", reject);
    });

  it("gives what is no route the same safe headers as every answer", async () => {
    for (const [path, method] of [["/api/v1/nothing"], ["/api/v1/servers/.."], ["/nothing", "POST"], ["/api/v1/servers", "PUT"]] as const) {
      for (const credentials of [{}, { token }]) {
        const answer = await web.ask(path, { method: method ?? "GET", ...credentials });
        expect([path, problemOf(answer)[0]]).toEqual([path, answer.status]);
        expect([path, answer.headers.get("x-content-type-options"), answer.headers.get("content-security-policy")]).toEqual([
          path,
          "nosniff",
          apiPolicy,
        ]);
      }
    }
  });

  it("does not take another server that is away for the database", async () => {
    const api = createApi(web.ctx, web.api.auth);
    const cause = Object.assign(new Error("connect ECONNREFUSED 192.0.2.1:443"), { code: "ECONNREFUSED" });
    const response = z.object({});
    const route = (path: string, error: Error) =>
      api.route({ method: "get", path, permission: "public", tag: "t", summary: "s", response }, () => Promise.reject(error));
    route("/issuer", new AppError("invalid", "no OpenID provider answers there", { cause }));
    route("/database", new Error("Failed query", { cause }));
    const codeOf = async (path: string) =>
      ((await (await api.fetch(new Request(`http://localhost${path}`))).json()) as { code: string }).code;
    expect([await codeOf("/issuer"), await codeOf("/database")]).toEqual(["invalid", "unavailable"]);
  });

  it("answers a Host that is none with a problem", async () => {
    for (const host of ["[::1", "a b", "localhost:99999", "a/b", "a@b", ""]) {
      const answer = await raw(`GET /healthz HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
      const [head = "", body = ""] = answer.split("\r\n\r\n");
      expect([host, head.slice(0, 12), /content-type: (.*)/.exec(head)?.[1]]).toEqual([host, "HTTP/1.1 400", "application/problem+json"]);
      expect([host, problem.parse(JSON.parse(body)).requestId]).toEqual([host, /x-request-id: (.*)/.exec(head)?.[1]]);
    }
  });

  it("answers garbage and too large headers with a problem, and closes", async () => {
    const garbage = await raw("\x16\x03\x01garbage\r\n\r\n");
    expect(garbage).toMatch(/^HTTP\/1.1 400 /);
    expect(garbage).toContain("application/problem+json");
    expect(/x-request-id: (\S+)/.exec(garbage)?.[1]).toBe(/"requestId":"([^"]+)"/.exec(garbage)?.[1]);
    expect(await raw(`GET /healthz HTTP/1.1\r\nHost: x\r\nX-Big: ${"x".repeat(20_000)}\r\n\r\n`)).toMatch(/^HTTP\/1.1 431 /);
    expect(await raw("GET /api/v1/live HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")).toMatch(
      /^HTTP\/1.1 401 /,
    );
    expect(
      await raw(`GET /other HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nAuthorization: Bearer ${token}\r\n\r\n`),
    ).toMatch(/^HTTP\/1.1 404 /);
  });

  it("refuses half a character anywhere in a body, takes whole ones, and finds nothing under an id with U+0000", async () => {
    const token = await web.token("owner");
    const post = (json: string) => web.ask("/api/v1/service-accounts", { method: "POST", token, json });
    for (const name of [String.raw`a\udfffb`, String.raw`\uD800`, String.raw`\ud83d\ud83d`])
      expect([name, (await post(`{"name":"${name}","grants":[]}`)).status]).toEqual([name, 422]);
    expect((await post(String.raw`{"name":"a","grants":[],"\udfff":1}`)).status).toBe(422);
    for (const name of [String.raw`\ud83d\ude00 whole`, String.raw`\\udfff written out`])
      expect([name, (await post(`{"name":"${name}","grants":[]}`)).status]).toEqual([name, 201]);
    expect((await web.ask("/api/v1/members/%00", { method: "DELETE", token })).status).toBe(404);
  });
});

describe("a port that is in use", () => {
  it("is told in words that say what to do", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as AddressInfo;
    await expect(testWeb({ port })).rejects.toThrow(`Port ${port} on 127.0.0.1 is in use; end what listens there, or set DEVFLOW_PORT`);
    taken.close();
  });
});
