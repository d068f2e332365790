import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { testWeb, type TestWeb } from "../../../../controller/src/testing/web.ts";
import { buildCli } from "../../../../scripts/build.ts";

/** The bundle over stdio, asked by the SDK's own client. */
describe("devflow mcp", () => {
  let web: TestWeb;
  let home: string;
  let file: string;
  const open: Client[] = [];
  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), "devflow-mcp-"));
    file = join(home, "devflow.mjs");
    await buildCli(file);
    web = await testWeb();
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((client) => client.close()));
  });
  afterAll(async () => {
    await web.close();
    rmSync(home, { recursive: true });
  });

  const connect = async (token: string, ...flags: string[]) => {
    const client = new Client({ name: "test", version: "1" });
    await client.connect(
      new StdioClientTransport({
        command: process.execPath,
        args: [file, "mcp", ...flags],
        env: { PATH: process.env["PATH"] ?? "", HOME: home, DEVFLOW_URL: web.origin, DEVFLOW_TOKEN: token },
      }),
    );
    open.push(client);
    const call = async (name: string, input: Record<string, unknown> = {}) => {
      const { content, structuredContent, isError } = await client.callTool({ name, arguments: input });
      const [{ text }] = content as [{ text: string }];
      if (isError !== true) expect(JSON.parse(text)).toEqual(structuredContent);
      return { isError: isError === true, text, value: structuredContent as Record<string, unknown> };
    };
    return { client, call };
  };

  it("offers reading tools alone, marked as such, and refuses the others", async () => {
    const { client, call } = await connect(await web.token("owner"));
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(["fleet_summary", "list_servers", "get_server", "query_metrics"]);
    expect(tools.filter(({ annotations }) => annotations?.readOnlyHint !== true || annotations.destructiveHint !== false)).toEqual([]);
    const id = await web.server({ name: "kept" });
    expect((await call("rename_server", { server: "kept", newName: "other" })).isError).toBe(true);
    expect((await call("revoke_server", { id })).isError).toBe(true);
    expect((await web.ask(`/api/v1/servers/${id}`, { token: await web.token("view") })).body).toMatchObject({
      name: "kept",
      state: "pending",
    });
  });

  it("changes things with --allow-writes, marked as such, and no more than the token may", async () => {
    const id = await web.server({ name: "before" });
    const owner = await connect(await web.token("owner"), "--allow-writes");
    const { tools } = await owner.client.listTools();
    expect(tools.find(({ name }) => name === "revoke_server")?.annotations).toMatchObject({ readOnlyHint: false, destructiveHint: true });
    expect((await owner.call("rename_server", { server: "before", newName: "after" })).value).toEqual({ id, name: "after" });
    expect((await owner.call("revoke_server", { id })).value).toMatchObject({ state: "revoked" });
    const viewer = await connect(await web.token("view"), "--allow-writes");
    const refused = await viewer.call("rename_server", { server: "after", newName: "again" });
    expect([refused.isError, refused.text]).toEqual([true, expect.stringContaining("forbidden")]);
  });

  it("answers within bounds, and says what it left out", async () => {
    for (let i = 0; i < 60; i++) await web.server({ name: `many-${i}` });
    const { call } = await connect(await web.token("view"));
    const first = await call("list_servers", { search: "many-", limit: 50 });
    expect([(first.value["servers"] as unknown[]).length, first.text.length < 20_000]).toEqual([50, true]);
    const second = await call("list_servers", { search: "many-", limit: 50, cursor: first.value["nextCursor"] });
    expect([(second.value["servers"] as unknown[]).length, second.value["nextCursor"]]).toEqual([10, null]);
    expect((await call("list_servers", { limit: 51 })).isError).toBe(true);
    expect((await call("fleet_summary")).value["total"]).toBeGreaterThanOrEqual(60);

    const id = await web.server({ name: "disks" });
    const until = Math.floor(Date.now() / 10_000) * 10;
    for (let disk = 1; disk <= 25; disk++) {
      await web.ctx
        .sql`insert into metric_instances (server_no, family, instance_no, name) select server_no, 4, ${disk}, ${`sd${disk}`} from servers where id = ${id}`;
      await web.ctx.sql`
        insert into metric_disk_10s (server_no, instance_no, time, samples, read, read_max)
        select server_no, ${disk}::int, to_timestamp(${until}::int - 10 * n), 10, n, n from servers, generate_series(1, 100) n where id = ${id}`;
    }
    const metrics = await call("query_metrics", { server: "disks", metrics: "disk.read", points: 60 });
    const series = metrics.value["series"] as { values: unknown[]; measured: number; max: number }[];
    expect([series.length, metrics.value["seriesLeftOut"], metrics.text.length < 20_000]).toEqual([20, 5, true]);
    expect([series[0]!.max, series[0]!.measured > 20]).toEqual([10_240, true]);
    expect(series[0]!.values.length).toBeLessThanOrEqual(60);
    const short = await call("query_metrics", { server: "disks", metrics: "disk.read", points: 0 });
    expect(short.text).not.toContain("values");
  });

  it("says what is wrong in words that a model can act on", async () => {
    const { call } = await connect(await web.token("view"));
    expect((await call("get_server", { server: "nobody-here" })).text).toContain("There is no server");
    expect((await call("query_metrics", { server: "x", metrics: "cpuu" })).isError).toBe(true);
    expect((await call("query_metrics", { server: "x", from: "yesterday" })).text).toContain("RFC 3339");
    const server = await web.server({ name: "fresh" });
    expect((await call("get_server", { server: "fresh" })).value).toMatchObject({ id: server, machine: null });
  });
});
