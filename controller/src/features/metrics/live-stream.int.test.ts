import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { useGateway } from "../session/gateway.testkit.ts";
import { familyRows } from "./ingest.testkit.ts";

const { context, enrolled, ready } = useGateway();

describe("live mode", () => {
  it("is switched by watchers; frames reach the bus in natural units, only while watched, at a bounded rate", async () => {
    const identity = await enrolled();
    const frames: unknown[] = [];
    const off = context().bus.on("live.frame", (frame) => void frames.push(frame));
    const agent = await ready(identity);
    const live = agent.live();
    const frame = () => ({
      readAtMs: BigInt(context().clock.now()),
      families: [familyRows("network", { eth0: { receive: 10, transmit: 5 } }, 4)],
    });
    live.write(frame());
    await sleep(100);
    expect(frames, "nobody watches").toEqual([]);
    context().bus.emit("live.watchers", { serverId: identity.agentId, watchers: 1 });
    expect((await agent.expect("liveMode")).value.on).toBe(true);
    for (let i = 0; i < 20; i++) live.write(frame());
    await expect.poll(() => frames.length).toBeGreaterThan(0);
    await sleep(200);
    expect(frames.length).toBeLessThanOrEqual(7);
    expect(frames[0]).toMatchObject({
      type: "frame",
      serverId: identity.agentId,
      rows: [{ family: "network", instance: "eth0", values: [1024, 512, null, null, null, null, null, null] }],
    });
    context().bus.emit("live.watchers", { serverId: identity.agentId, watchers: 0 });
    off();
  });

  it("may begin with two minutes of earlier seconds, told together; more than that is dropped", async () => {
    const identity = await enrolled();
    const told: { history: number[]; frames: number[] } = { history: [], frames: [] };
    const offs = [
      context().bus.on("live.history", ({ frames }) => void told.history.push(...frames.map((frame) => frame.timeMs))),
      context().bus.on("live.frame", (frame) => void told.frames.push(frame.timeMs)),
    ];
    const agent = await ready(identity);
    context().bus.emit("live.watchers", { serverId: identity.agentId, watchers: 1 });
    await agent.expect("liveMode");
    const live = agent.live();
    const nowMs = context().clock.now();
    const send = (ageS: number) =>
      live.write({ readAtMs: BigInt(nowMs - ageS * 1000), families: [familyRows("network", { eth0: { receive: 10 } }, 4)] });
    for (let ageS = 120; ageS >= 0; ageS--) send(ageS);
    await expect.poll(() => told.frames.at(-1)).toBe(nowMs);
    expect(told.history[0]).toBe(nowMs - 120_000);
    expect([...told.history, ...told.frames]).toHaveLength(121);
    expect(told.history).toEqual(told.history.toSorted((a, b) => a - b));
    for (let i = 0; i < 400; i++) send(100);
    await sleep(300);
    expect(told.history.length).toBeLessThan(200);
    context().bus.emit("live.watchers", { serverId: identity.agentId, watchers: 0 });
    for (const off of offs) off();
  });
});
