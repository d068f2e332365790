import { status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { aheadMs, useGateway } from "./gateway.testkit.ts";

const { context, enrolled, ready, serverOf, warningsOf } = useGateway();

describe("warnings", () => {
  it("tells of a clock that is far off, and takes it back", async () => {
    const identity = await enrolled();
    const { spoolId, bootId } = await ready(identity, { clockOffsetMs: aheadMs - 7_200_000 });
    await expect.poll(() => warningsOf(identity)).toEqual(["clock_off"]);
    expect((await serverOf(identity)).warnings[0]?.message).toMatch(/2 hours behind/);
    await ready(identity, { clockOffsetMs: aheadMs, spoolId, bootId });
    await expect.poll(() => warningsOf(identity), { timeout: 8000 }).toEqual([]);
  }, 20_000);

  it("tells of a spool that cannot be written or dropped batches", async () => {
    const identity = await enrolled();
    const agent = await ready(identity, { clockOffsetMs: aheadMs });
    agent.say({ case: "spoolReport", value: { dropped: 12n, error: "ENOSPC: no space left on device\u0007" } });
    await expect.poll(async () => (await warningsOf(identity)).toSorted()).toEqual(["spool_dropped", "spool_error"]);
    expect((await serverOf(identity)).warnings.find((w) => w.code === "spool_error")?.message).toContain(
      "ENOSPC: no space left on device.",
    );
    agent.say({ case: "spoolReport", value: { dropped: 12n } });
    await expect.poll(() => warningsOf(identity)).toEqual(["spool_dropped"]);
    // Told once: a session later the same count is no news, even when a person has seen to it meanwhile.
    await context().sql`update servers set warnings = '[]' where id = ${identity.agentId}`;
    agent.close();
    const back = await ready(identity, { clockOffsetMs: aheadMs, spoolId: agent.spoolId, bootId: agent.bootId });
    back.say({ case: "spoolReport", value: { dropped: 12n, error: "x" } });
    await expect.poll(() => warningsOf(identity)).toEqual(["spool_error"]);
    back.say({ case: "spoolReport", value: { dropped: 13n, error: "x" } });
    await expect.poll(async () => (await warningsOf(identity)).toSorted()).toEqual(["spool_dropped", "spool_error"]);
  });
});

describe("inventory", () => {
  it("is stored when it changes, cleaned", async () => {
    const identity = await enrolled();
    const agent = await ready(identity);
    agent.say({
      case: "inventory",
      value: {
        hostname: "web-1",
        osName: "Debian\u202e GNU/Linux 12",
        memoryBytes: 2n ** 63n,
        bootTimeS: -1n,
        interfaces: [{ name: "eth0", addresses: ["192.0.2.7/24"] }],
      },
    });
    const stored = async () =>
      (
        await context().sql<
          { facts: Record<string, unknown>; updated_at: Date }[]
        >`select facts, updated_at from inventories where server_id = ${identity.agentId}`
      )[0];
    await expect.poll(stored).toMatchObject({
      facts: {
        osName: "Debian GNU/Linux 12",
        memoryBytes: Number.MAX_SAFE_INTEGER,
        bootTime: "1970-01-01T00:00:00.000Z",
        interfaces: [{ name: "eth0", addresses: ["192.0.2.7/24"] }],
      },
    });
  });

  it("over 256 KiB ends the session", async () => {
    const agent = await ready(await enrolled());
    agent.say({ case: "inventory", value: { hostname: "x".repeat(300_000) } });
    expect((await agent.refused()).code).toBe(status.INVALID_ARGUMENT);
  });
});
