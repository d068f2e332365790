import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testWeb, type TestWeb } from "../../testing/web.ts";

describe("the OpenAPI document", () => {
  let web: TestWeb;
  beforeAll(async () => (web = await testWeb()));
  afterAll(() => web.close());

  it("names every registered route, its role and its parameters", async () => {
    const { body } = await web.ask("/api/v1/openapi.json", { token: await web.token("view") });
    for (const route of web.api.routes) {
      const operation = body.paths[route.path]?.[route.method];
      expect([route.method, route.path, operation?.summary]).toEqual([route.method, route.path, route.summary]);
      const names = Object.keys({ ...route.params?.shape, ...route.query?.shape });
      expect(names.filter((name) => !operation.parameters.some((p: { name: string }) => p.name === name))).toEqual([]);
      expect([route.path, operation.security.length]).toEqual([route.path, route.permission === "public" ? 0 : 2]);
    }
  });

  it("has patterns as JSON Schema reads them, without flags", async () => {
    const { body } = await web.ask("/api/v1/openapi.json", { token: await web.token("view") });
    const patterns = [...JSON.stringify(body).matchAll(/"pattern":("(?:[^"\\]|\\.)*")/g)].map(([, text]) => JSON.parse(text!) as string);
    expect(patterns.length).toBeGreaterThan(10);
    expect(patterns.filter((pattern) => /[^\\]\/[a-z]+$/.test(pattern))).toEqual([]);
    expect(new RegExp(body.components.schemas.UpdateServer.properties.name.pattern, "u").test("web-1 ü")).toBe(true);
  });

  it("has a page for people that names every route and runs nothing", async () => {
    expect((await web.ask("/api/docs")).status).toBe(401);
    const answer = await web.ask("/api/docs", { token: await web.token("view") });
    const described = (await web.ask("/api/v1/openapi.json", { token: await web.token("view") })).body.paths["/api/docs"].get;
    expect(Object.keys(described.responses["200"].content)).toEqual([answer.headers.get("content-type")?.split(";")[0]]);
    expect(web.api.routes.filter(({ path }) => !answer.body.includes(`<code>${path}</code>`))).toEqual([]);
    expect(answer.headers.get("content-security-policy")).toMatch(/^default-src 'none'; style-src 'sha256-/);
    expect(answer.body).not.toMatch(/<script|style="|src=/);
  });

  it("is valid by redocly", async () => {
    const { body } = await web.ask("/api/v1/openapi.json", { token: await web.token("view") });
    const folder = mkdtempSync(join(tmpdir(), "devflow-openapi-"));
    writeFileSync(join(folder, "openapi.json"), JSON.stringify(body));
    writeFileSync(
      join(folder, "redocly.yaml"),
      "extends:\n  - recommended\nrules:\n  no-server-example.com: off\n  operation-4xx-response: error\ntelemetry: off\n",
    );
    const redocly = new URL("../../../../node_modules/.bin/redocly", import.meta.url).pathname;
    const { status, stdout, stderr } = spawnSync(redocly, ["lint", "--config", "redocly.yaml", "openapi.json"], {
      cwd: folder,
      encoding: "utf8",
      env: { ...process.env, REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" },
    });
    rmSync(folder, { recursive: true });
    expect([status, status === 0 ? "" : stdout + stderr]).toEqual([0, ""]);
  });
});

describe("/metrics", () => {
  it("shows the process's figures to those who may see them", async () => {
    const web = await testWeb();
    expect((await web.ask("/metrics")).status).toBe(401);
    const answer = await web.ask("/metrics", { token: await web.token("owner") });
    expect(answer.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(answer.body).toMatch(/^process_resident_memory_bytes \d+/m);
    expect(answer.body).toMatch(/^devflow_http_requests_total\{method="GET",status="401"\} [1-9]/m);
    await web.close();
  });

  it("and the install files are open", async () => {
    const web = await testWeb();
    expect((await web.ask("/ca.pem")).body).toContain("BEGIN CERTIFICATE");
    expect((await web.ask("/agent/../healthz")).body).toEqual({ status: "ok" });
    expect((await web.ask("/agent/nothing/node.gz")).status).toBe(404);
    await web.close();
  });
});
