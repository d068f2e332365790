import { spawn } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type TestCli, testCli } from "../cli.testkit.ts";

describe("devflow events", () => {
  let cli: TestCli;
  beforeAll(async () => {
    cli = await testCli();
  });
  afterAll(() => cli.close());
  const happen = (name: string) => cli.json(["groups", "create", name]);

  it("lists what happened, narrowed down", async () => {
    const { id } = await happen("One");
    await happen("Two");
    const { items } = await cli.json(["events", "list", "--type", "group.created", "--since", "-5m"]);
    expect(items.map(({ subject }: { subject: { name: string } }) => subject.name)).toEqual(["Two", "One"]);
    expect((await cli.json(["events", "list", "--subject", `group:${id}`])).items).toHaveLength(1);
    expect((await cli.json(["events", "list", "--limit", "1"])).items).toHaveLength(1);
    expect((await cli.run(["events", "list", "--type", "group.created"])).out).toMatch(/^TIME\s+EVENT[\s\S]*group\.created\s+One/);
    expect((await cli.run(["events", "list", "--type", "group.created", "-q"])).out).toMatch(/^([0-9a-f-]{36}\n){2}$/);
    expect(await cli.refusal(["events", "list", "--since", "yesterday"])).toMatch(/^2 Error: --since: expected a time/);
    expect(await cli.refusal(["events", "list", "--subject", "x"])).toMatch(/^2 Error: --subject/);
    expect(await cli.refusal(["events", "list", "--type", "no.such"])).toMatch(/^1 Error: /);
  });

  it("follows what happens as lines of JSON, and ends after so many", async () => {
    const child = spawn(process.execPath, [cli.file, "events", "follow", "--type", "group.created", "--count", "2", "--json"], {
      env: { PATH: process.env["PATH"], HOME: cli.home, DEVFLOW_URL: cli.web.origin, DEVFLOW_TOKEN: cli.owner },
    });
    let out = "";
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
    const ended = new Promise((resolve) => child.on("close", resolve));
    const streams = async () => /^devflow_event_streams (\d+)$/m.exec((await cli.web.ask("/metrics", { token: cli.owner })).body)?.[1];
    await expect.poll(streams, { timeout: 20_000 }).toBe("1");
    await happen("Three");
    await happen("Four");
    expect(await ended).toBe(0);
    const lines = out.trimEnd().split("\n");
    expect(lines.map((line) => (JSON.parse(line) as { subject: { name: string } }).subject.name)).toEqual(["Three", "Four"]);
  });

  it("begins behind an event or at a time, and ends by Ctrl-C with 130", async () => {
    const { items } = await cli.json(["events", "list", "--type", "group.created"]);
    const behind = await cli.run(["events", "follow", "--type", "group.created", "--after", items.at(-1).id, "--count", "1"]);
    expect([behind.code, behind.out]).toEqual([0, expect.stringContaining(items.at(-2).subject.name)]);
    const missed = await cli.refusal(["events", "follow", "--after", "00000000-0000-4000-8000-000000000000"]);
    expect(missed).toMatch(/^1 /);
    const child = spawn(process.execPath, [cli.file, "events", "follow"], {
      env: { PATH: process.env["PATH"], HOME: cli.home, DEVFLOW_URL: cli.web.origin, DEVFLOW_TOKEN: cli.owner },
    });
    child.stderr.once("data", () => child.kill("SIGINT"));
    expect(await new Promise((resolve) => child.on("close", resolve))).toBe(130);
    expect(await cli.refusal(["events", "follow"], "devflow_api_wrong")).toMatch(/^3 /);
  });
});
