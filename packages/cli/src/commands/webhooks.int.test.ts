import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type TestCli, testCli } from "../cli.testkit.ts";

describe("devflow webhooks", () => {
  let cli: TestCli;
  let receiver: Server;
  let url: string;
  beforeAll(async () => {
    cli = await testCli({ roles: new Set(["web", "worker"] as const) });
    receiver = createServer((request, response) => request.resume().on("end", () => response.end("thanks")));
    await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
  });
  afterAll(async () => {
    receiver.close();
    await cli.close();
  });

  it("refuses an address that is not allowed, in words", async () => {
    expect(await cli.refusal(["webhooks", "create", "private", url])).toMatch(/^1 Error: /);
    await cli.web.ctx.sql`insert into settings (key, value) values ('outgoing', ${cli.web.ctx.sql.json({ allowed: ["127.0.0.0/8"] })})
      on conflict (key) do update set value = excluded.value`;
  });

  it("makes one, sends a test, shows what came of it, sends it again, and deletes it", async () => {
    const made = await cli.run(["webhooks", "create", "chat", url, "--type", "group.created", "server.offline"]);
    expect([made.code, made.out]).toEqual([0, expect.stringMatching(/^whsec_\S+\n$/)]);
    expect((await cli.json(["webhooks", "show", "CHAT"])).types).toEqual(["group.created", "server.offline"]);
    expect((await cli.run(["webhooks"])).out).toMatch(/^chat\s+http:/m);

    const sent = await cli.json(["webhooks", "test", "chat"]);
    const state = async () => (await cli.json(["webhooks", "delivery", sent.id])).delivery.state;
    await expect.poll(state, { timeout: 20_000, interval: 500 }).toBe("delivered");
    expect((await cli.run(["webhooks", "delivery", sent.id])).out).toMatch(/state\s+delivered[\s\S]*ms {2}200/);
    const again = await cli.json(["webhooks", "replay", sent.id]);
    expect(again.replays).toBe(sent.id);
    expect((await cli.json(["webhooks", "deliveries", "chat", "--limit", "1"])).items).toHaveLength(1);
    expect((await cli.json(["webhooks", "deliveries", "chat", "--state", "failed"])).items).toEqual([]);

    const rotated = await cli.run(["webhooks", "rotate-secret", "chat"]);
    expect(rotated.out).toMatch(/^whsec_\S+\n$/);
    expect(rotated.out).not.toBe(made.out);
    expect((await cli.json(["webhooks", "edit", "chat", "--disable"])).disabledAt).not.toBeNull();
    expect((await cli.json(["webhooks", "edit", "chat", "--enable", "--type", "*", "--name", "talk"])).types).toEqual(["*"]);
    expect(await cli.refusal(["webhooks", "edit", "talk"])).toMatch(/^2 Error: Say what to change/);
    expect(await cli.refusal(["webhooks", "delete", "talk"])).toMatch(/^2 .*Nobody can be asked/);
    expect((await cli.run(["webhooks", "delete", "talk", "-y", "-q"])).out).toMatch(/^[0-9a-f-]{36}\n$/);
    expect(await cli.refusal(["webhooks", "show", "talk"])).toMatch(/^5 Error: There is no webhook/);
  });
});
