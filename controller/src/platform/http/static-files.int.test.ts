import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testWeb, type TestWeb } from "../../testing/web.ts";

const page = `<!doctype html><head><meta http-equiv="content-security-policy" content="default-src 'self'; script-src 'self' &#39;sha256-abc&#39;"></head>`;

describe("the web pages", () => {
  let web: TestWeb;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "devflow-pages-"));
    mkdirSync(join(folder, "build/_app/immutable"), { recursive: true });
    writeFileSync(join(folder, "secret.txt"), "outside");
    writeFileSync(join(folder, "build/index.html"), page);
    writeFileSync(join(folder, "build/_app/immutable/a.js"), "plain");
    writeFileSync(join(folder, "build/_app/immutable/a.js.br"), "packed");
    writeFileSync(join(folder, "build/favicon.svg"), "<svg/>");
    symlinkSync(join(folder, "secret.txt"), join(folder, "build/link.txt"));
    web = await testWeb({}, { webFolder: join(folder, "build") });
  });
  afterAll(async () => {
    await web.close();
    rmSync(folder, { recursive: true });
  });

  it("answer every path of the application with the page and its own policy as a header", async () => {
    for (const path of ["/", "/servers/abc", "/sign-in", "/?x=1"]) {
      const answer = await web.ask(path);
      expect([path, answer.status, answer.body]).toEqual([path, 200, page]);
      expect(answer.headers.get("content-security-policy")).toBe(
        "default-src 'self'; script-src 'self' 'sha256-abc'; frame-ancestors 'none'",
      );
      expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
      expect(answer.headers.get("x-frame-options")).toBe("DENY");
    }
  });

  it("are kept for ever when their name says what is in them, and asked for again otherwise", async () => {
    const asset = await web.ask("/_app/immutable/a.js", { headers: { "accept-encoding": "identity" } });
    expect([asset.body, asset.headers.get("cache-control"), asset.headers.get("content-type")]).toEqual([
      "plain",
      "public, max-age=31536000, immutable",
      "text/javascript; charset=utf-8",
    ]);
    const first = await web.ask("/favicon.svg");
    expect(first.headers.get("cache-control")).toBe("no-cache");
    expect((await web.ask("/favicon.svg", { headers: { "if-none-match": first.headers.get("etag")! } })).status).toBe(304);
  });

  it("come packed when they were packed at the build and the browser takes it", async () => {
    const head = await fetch(`${web.origin}/_app/immutable/a.js`, { method: "HEAD", headers: { "accept-encoding": "gzip, br" } });
    expect([head.status, head.headers.get("content-encoding"), head.headers.get("vary")]).toEqual([200, "br", "accept-encoding"]);
    expect(await head.text()).toBe("");
  });

  it("never leave their folder, whatever the path says", async () => {
    const raw = (path: string) =>
      new Promise<string>((resolve) => {
        const socket = connect(Number(new URL(web.origin).port), "127.0.0.1", () =>
          socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`),
        );
        let answer = "";
        socket.on("data", (chunk) => (answer += chunk.toString()));
        socket.on("close", () => resolve(answer));
      });
    for (const path of [
      "/../secret.txt",
      "/..%2fsecret.txt",
      "/%2e%2e/secret.txt",
      "/_app/../../secret.txt",
      "/link.txt",
      "//secret.txt",
      "/..\\secret.txt",
      "/etc/passwd",
      "/%2fetc%2fpasswd",
      "/secret.txt%00.js",
      "/....//secret.txt",
      "/_app",
    ]) {
      const answer = await raw(path);
      expect([path, answer.includes("outside"), answer.includes("root:")]).toEqual([path, false, false]);
      expect(answer).toMatch(/^HTTP\/1.1 (404|200|400) /);
    }
  });

  it("say 404 for a missing file", async () => {
    expect((await web.ask("/_app/immutable/missing.js")).status).toBe(404);
    expect((await web.ask("/favicon.png")).body.code).toBe("not_found");
    expect((await web.ask("/servers/x", { method: "POST" })).status).toBe(404);
  });

  it("are read again when they were built again", async () => {
    writeFileSync(join(folder, "build/index.html"), "<!doctype html>new");
    utimesSync(join(folder, "build/index.html"), new Date(), new Date(Date.now() + 5_000));
    const answer = await web.ask("/");
    expect(answer.body).toBe("<!doctype html>new");
    expect(answer.headers.get("content-security-policy")).toContain("default-src 'self'");
  });
});
