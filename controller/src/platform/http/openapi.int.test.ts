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
