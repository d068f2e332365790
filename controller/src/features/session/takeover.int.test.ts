import { setTimeout as sleep } from "node:timers/promises";
import { status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { batchOf } from "../metrics/ingest.testkit.ts";
import { thisInterval, useGateway } from "./gateway.testkit.ts";

const { context, startGateway, enrolled, dial, ready, serverOf, warningsOf } = useGateway();

describe("one identity, several connections", () => {
  it("lets an agent that came back take over from its own dead connection", async () => {
    const identity = await enrolled();
    const first = await ready(identity, { pongs: false });
    await ready(identity, { spoolId: first.spoolId, bootId: first.bootId });
    expect((await first.refused()).code).toBe(status.ABORTED);
    await sleep(1200);
    expect((await serverOf(identity)).online, "the old one's end must not show the new one offline").toBe(true);
  });

  it("refuses a second machine while the first answers, warns, and leaves the first alone", async () => {
    const identity = await enrolled();
    const first = await ready(identity);
    const clone = await dial(identity);
    clone.hello();
    expect(await clone.refused()).toMatchObject({ code: status.PERMISSION_DENIED, details: expect.stringMatching(/^cloned/) as string });
    await expect.poll(() => warningsOf(identity)).toContain("cloned");
    expect(first.error()).toBeNull();
    const stolen = clone.push();
    stolen.send([batchOf(1, thisInterval())]);
    await expect.poll(() => stolen.error()?.code, { timeout: 5000 }).toBeDefined();
    expect((await serverOf(identity)).online).toBe(true);
  });

  it("lets a reinstalled agent in once the older connection does not answer", async () => {
    const identity = await enrolled();
    await ready(identity, { pongs: false });
    const fresh = await dial(identity);
    fresh.hello();
    await fresh.expect("welcome");
    expect(await warningsOf(identity)).not.toContain("cloned");
  }, 20_000);

  it("moves a server between two gateways; the stale one changes nothing", async () => {
    const identity = await enrolled();
    const first = await ready(identity);
    const other = await startGateway();
    const otherPort = await other.listen("127.0.0.1", 0);
    await ready(identity, { port: otherPort, spoolId: first.spoolId, bootId: first.bootId });
    const [{ epoch, gateway_id }] = (await context()
      .sql`select epoch, gateway_id from agent_sessions where server_id = ${identity.agentId}`) as unknown as [
      { epoch: number; gateway_id: string },
    ];
    expect([epoch, gateway_id]).toEqual([2, other.id]);
    first.close();
    await sleep(300);
    expect((await serverOf(identity)).online).toBe(true);
    await other.drain(100);
    // A gateway that stops says nothing about its agents: they are on their way to another.
    expect((await serverOf(identity)).online).toBe(true);
  });
});
