import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sendRaw } from "../../testing/raw-http.ts";
import { testWeb, type TestWeb } from "../../testing/web.ts";

describe("bytes that a hostile client sends", () => {
  let web: TestWeb;
  let port: number;
  let post: string;
  beforeAll(async () => {
    web = await testWeb({ publicUrl: new URL("https://devflow.example.com"), allowedHosts: ["inside.example.net"] });
    port = Number(new URL(web.origin).port);
    const token = await web.token("owner");
    post = `POST /api/v1/groups HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\n`;
  });
  afterAll(() => web.close());

  const get = (head: string, target = "/healthz") => `GET ${target} HTTP/1.1\r\n${head}Connection: close\r\n\r\n`;
  const chunked = (body: string) => `${post}Transfer-Encoding: chunked\r\n\r\n${body}`;
  const groups = async () => (await web.ctx.sql`select 1 from server_groups`).length;

  /** Each is answered once with that status, changes nothing, and its connection is closed whatever the client does. */
  const refuses = (cases: Record<string, readonly [status: number, bytes: () => string]>) =>
    it.concurrent.each(Object.entries(cases))("%s", async (_name, [status, bytes]) => {
      const before = await groups();
      const { statuses, closed, text } = await sendRaw(port, bytes());
      expect([statuses, closed]).toEqual([[status], true]);
      expect(text).toMatch(/x-content-type-options: nosniff/i);
      expect(text).toContain('"requestId"');
      expect(await groups()).toBe(before);
    });

  const hidden = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
  const body = '{"name":"smuggled"}';

  describe("lengths that two readers understand differently are refused, and nothing behind them is read:", () => {
    refuses({
      "both Content-Length and Transfer-Encoding": [
        400,
        () => `${post}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`,
      ],
      "two Content-Lengths": [400, () => `${post}Content-Length: ${body.length}\r\nContent-Length: 3\r\n\r\n${body}${hidden}`],
      "the same Content-Length twice": [
        400,
        () => `${post}Content-Length: ${body.length}\r\nContent-Length: ${body.length}\r\n\r\n${body}${hidden}`,
      ],
      "a list of Content-Lengths": [400, () => `${post}Content-Length: ${body.length}, ${body.length}\r\n\r\n${body}`],
      "a negative Content-Length": [400, () => `${post}Content-Length: -1\r\n\r\n${body}`],
      "a signed Content-Length": [400, () => `${post}Content-Length: +${body.length}\r\n\r\n${body}`],
      "a hexadecimal Content-Length": [400, () => `${post}Content-Length: 0x13\r\n\r\n${body}`],
      "a Content-Length beyond 64 bits": [400, () => `${post}Content-Length: 99999999999999999999999\r\n\r\n${body}`],
      "another coding behind chunked": [400, () => `${post}Transfer-Encoding: chunked, identity\r\n\r\n13\r\n${body}\r\n0\r\n\r\n`],
      "another coding before chunked": [400, () => `${post}Transfer-Encoding: gzip, chunked\r\n\r\n13\r\n${body}\r\n0\r\n\r\n`],
      identity: [400, () => `${post}Transfer-Encoding: identity\r\n\r\n${body}`],
      "chunked twice": [400, () => `${post}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n13\r\n${body}\r\n0\r\n\r\n`],
      "a coding that only looks like chunked": [400, () => `${post}Transfer-Encoding: xchunked\r\n\r\n13\r\n${body}\r\n0\r\n\r\n`],
      "chunked behind a vertical tab": [400, () => `${post}Transfer-Encoding: \x0bchunked\r\n\r\n13\r\n${body}\r\n0\r\n\r\n`],
      "chunked in HTTP/1.0": [
        400,
        () => `${post.replace("HTTP/1.1", "HTTP/1.0")}Transfer-Encoding: chunked\r\n\r\n13\r\n${body}\r\n0\r\n\r\n`,
      ],
      "a chunk size beyond 64 bits": [400, () => chunked(`fffffffffffffffff\r\n${body}\r\n0\r\n\r\n`)],
      "a negative chunk size": [400, () => chunked(`-13\r\n${body}\r\n0\r\n\r\n`)],
      "a chunk size with 0x": [400, () => chunked(`0x13\r\n${body}\r\n0\r\n\r\n`)],
      "chunk lines that end in a bare LF": [400, () => chunked(`13\n${body}\n0\n\n`)],
      "a chunk that is longer than it says": [400, () => chunked(`2\r\n${body}\r\n0\r\n\r\n`)],
      "a chunk extension without end": [400, () => chunked(`13;a=${"b".repeat(20_000)}\r\n${body}\r\n0\r\n\r\n`)],
      "trailers without end": [431, () => chunked(`13\r\n${body}\r\n0\r\n${"A: b\r\n".repeat(5_000)}\r\n`)],
    });
  });

  describe("heads that are no HTTP/1.1 are refused:", () => {
    refuses({
      garbage: [400, () => "\x16\x03\x01garbage\r\n\r\n"],
      "folded lines": [400, () => get("Host: x\r\nX-A: b\r\n c\r\n")],
      "lines that end in a bare LF": [400, () => "GET /healthz HTTP/1.1\nHost: x\n\n"],
      "one line that ends in a bare LF": [400, () => get("Host: x\r\nX-A: b\n")],
      "a head that ends in a bare LF": [400, () => "GET /healthz HTTP/1.1\r\nHost: x\r\n\n"],
      "a bare CR": [400, () => get("Host: x\r\nX-A: b\rX-B: c\r\n")],
      "a space before the colon": [400, () => get("Host: x\r\nX-A : b\r\n")],
      "a space before a name": [400, () => get("Host: x\r\n X-A: b\r\n")],
      "a NUL": [400, () => get("Host: x\r\nX-A: a\0b\r\n")],
      "a header larger than 16 KiB": [431, () => get(`Host: x\r\nX-Big: ${"x".repeat(20_000)}\r\n`)],
      "more than 100 headers": [431, () => get(`Host: x\r\n${Array.from({ length: 150 }, (_, i) => `X-${i}: a\r\n`).join("")}`)],
      "a path larger than 16 KiB": [431, () => get("Host: x\r\n", `/${"a".repeat(20_000)}`)],
      "a path with bytes of no character": [400, () => get("Host: x\r\n", "/\xff\xfe")],
      "a path with a fragment": [400, () => get("Host: x\r\n", "/healthz#x")],
      "a path that does not begin with a slash": [400, () => get("Host: x\r\n", "healthz")],
      "HTTP/0.9": [400, () => "GET /healthz\r\n\r\n"],
      "HTTP/3.0": [400, () => "GET /healthz HTTP/3.0\r\nHost: x\r\n\r\n"],
      "the preface of HTTP/2": [400, () => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
      "a method that nobody knows": [400, () => "FOO /healthz HTTP/1.1\r\nHost: x\r\n\r\n"],
      "a method in lower case": [400, () => "get /healthz HTTP/1.1\r\nHost: x\r\n\r\n"],
      "OPTIONS of everything": [400, () => "OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"],
      TRACE: [405, () => "TRACE /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"],
      "an expectation that nobody knows": [417, () => `${post}Expect: magic\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}`],
      "two Authorizations": [400, () => get("Host: x\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\n", "/api/v1/me")],
      "two Origins": [400, () => `${post}Origin: http://x\r\nOrigin: http://evil.example\r\nContent-Length: 2\r\n\r\n{}`],
    });
  });

  describe("who names another host than this one is refused:", () => {
    refuses({
      "no Host": [400, () => get("")],
      "no Host in HTTP/1.0": [400, () => "GET /healthz HTTP/1.0\r\n\r\n"],
      "two Hosts": [400, () => get("Host: x\r\nHost: evil.example\r\n")],
      "a list of Hosts": [400, () => get("Host: x, evil.example\r\n")],
      "a Host with a user": [400, () => get("Host: u:p@x\r\n")],
      "a Host with a path": [400, () => get("Host: x/y\r\n")],
      "another site's Host, as DNS rebinding brings it": [421, () => get("Host: evil.example\r\n")],
      "the same on the page": [421, () => get("Host: evil.example:8080\r\n", "/")],
      "a name below ours": [421, () => get("Host: x.devflow.example.com\r\n")],
      "another absolute target than its Host": [400, () => get("Host: x\r\n", "http://evil.example/healthz")],
      "an absolute target that is foreign together with its Host": [
        421,
        () => get("Host: evil.example\r\n", "http://evil.example/healthz"),
      ],
      "an absolute target of another scheme": [400, () => get("Host: x\r\n", "ftp://x/healthz")],
    });
    it("a WebSocket with another site's Host", async () => {
      const { statuses, closed } = await sendRaw(
        port,
        "GET /api/v1/live HTTP/1.1\r\nHost: evil.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
      );
      expect([statuses, closed]).toEqual([[421], true]);
    });
  });

  it("serves its own names, and absolute targets that agree with their Host", async () => {
    for (const host of [
      "x",
      "127.0.0.1:1",
      "[::1]",
      "localhost:8080",
      "devflow.example.com",
      "DEVFLOW.example.com.",
      "inside.example.net:81",
    ])
      expect([host, (await sendRaw(port, get(`Host: ${host}\r\n`))).statuses]).toEqual([host, [200]]);
    expect((await sendRaw(port, get("Host: x:80\r\n", "http://x/healthz"))).statuses).toEqual([200]);
  });

  it("says nothing to CONNECT and closes", async () => {
    expect(await sendRaw(port, "CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n")).toMatchObject({ statuses: [], closed: true });
  });

  it("takes a body's chunks with extensions and trailers, and believes no header that comes as a trailer", async () => {
    const bytes = `${post.replace(/Authorization.*\r\n/, "")}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n13;a=b\r\n${body}\r\n0\r\n${/Authorization.*\r\n/.exec(post)![0]}\r\n`;
    expect(await sendRaw(port, bytes)).toMatchObject({ statuses: [401], closed: true });
    const before = await groups();
    expect(
      (await sendRaw(port, chunked(`13;a=b\r\n${body}\r\n0\r\nX: y\r\n\r\n`).replace("Host: x", "Host: x\r\nConnection: close"))).statuses,
    ).toEqual([201]);
    expect(await groups()).toBe(before + 1);
  });

  it("answers requests that come together one after the other, and nothing after Connection: close", async () => {
    expect((await sendRaw(port, `${hidden.repeat(5)}${get("Host: x\r\n")}`)).statuses).toEqual([200, 200, 200, 200, 200, 200]);
    const { statuses, closed } = await sendRaw(port, `${get("Host: x\r\n")}${hidden}`);
    expect([statuses[0], statuses.includes(200, 1), closed]).toEqual([200, false, true]);
  });

  it("says what is wrong with a later request of a connection too", async () => {
    const long = get("Host: x\r\n", `/healthz?x=${"x".repeat(20_000)}`);
    const { statuses, closed } = await sendRaw(port, [hidden, long]);
    expect([statuses, closed]).toEqual([[200, 431], true]);
  });

  it("goes on with HTTP/1.1 for who would like HTTP/2 on a plain port", async () => {
    const bytes =
      "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n";
    expect((await sendRaw(port, bytes, 500)).statuses).toEqual([200]);
  });

  it("closes a refused upgrade although the client does not", async () => {
    const upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    for (const [path, status] of [
      ["/api/v1/live", 401],
      ["/other", 404],
    ] as const) {
      const { statuses, closed, text } = await sendRaw(port, `GET ${path} HTTP/1.1\r\nHost: x\r\n${upgrade}`);
      expect([path, statuses, closed]).toEqual([path, [status], true]);
      expect(text).toMatch(/^x-content-type-options: nosniff/im);
    }
  });

  it("does not let a refused body of any size come in", async () => {
    const head = "POST /api/v1/groups HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n";
    const { statuses, closed } = await sendRaw(port, [head, "x".repeat(100)]);
    expect([statuses, closed]).toEqual([[401], true]);
  });

  it("holds a body that breaks off for the client's fault", async () => {
    const { text } = await sendRaw(port, chunked("zz\r\n"));
    expect(text).toMatch(/^HTTP\/1.1 400 /);
    const counted = (await web.ask("/metrics", { token: /Bearer (.*)\r/.exec(post)![1]! })).body as string;
    expect(counted).not.toMatch(/devflow_http_requests_total\{method="POST",status="5/);
  });
});
