import { status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { aheadMs, thisInterval, useGateway } from "../session/gateway.testkit.ts";
import { batchOf } from "./ingest.testkit.ts";

const { context, enrolled, dial, ready, serverOf } = useGateway();

describe("metrics", () => {
  it("are acknowledged after the commit, bad batches rejected and shown as a warning", async () => {
    const identity = await enrolled();
    const agent = await ready(identity, { clockOffsetMs: aheadMs });
    const push = agent.push();
    const now = thisInterval();
    push.send([batchOf(1, now), batchOf(2, now + 7200), batchOf(3, now - 10), batchOf(3, now - 10), batchOf(9, now - 7200)]);
    await expect.poll(push.outcomes).toBe(4);
    expect(push.rejected).toMatchObject([{ sequence: 2n, detail: expect.stringMatching(/ahead/) as string }]);
    await expect
      .poll(async () => (await serverOf(identity)).warnings)
      .toMatchObject([{ code: "batches_rejected", message: expect.stringMatching(/1 batch .*in future/) as string }]);
    const { server_no } = await serverOf(identity);
    expect(await context().sql`select count(*)::int as n from metric_host_10s where server_no = ${server_no}`).toEqual([{ n: 3 }]);
  });

  it("are refused before Welcome, with another spool's id, in too large requests, or on a second stream", async () => {
    const identity = await enrolled();
    const early = await dial(identity);
    const tooEarly = early.push();
    tooEarly.send([batchOf(1, thisInterval())]);
    await expect.poll(() => tooEarly.error()?.code).toBe(status.FAILED_PRECONDITION);
    early.close();
    const agent = await ready(identity, { spoolId: early.spoolId });
    const foreign = agent.push();
    foreign.send([batchOf(1, thisInterval())], "00000000-0000-0000-0000-000000000000");
    await expect.poll(() => foreign.error()?.code).toBe(status.INVALID_ARGUMENT);
    const push = agent.push();
    push.send([batchOf(1, thisInterval())]);
    await expect.poll(push.outcomes).toBe(1);
    const second = agent.push();
    second.send([batchOf(2, thisInterval())]);
    await expect.poll(() => second.error()?.code).toBe(status.RESOURCE_EXHAUSTED);
    push.send(Array.from({ length: 257 }, (_, i) => batchOf(i + 3, thisInterval())));
    await expect.poll(() => push.error()?.code).toBe(status.INVALID_ARGUMENT);
  });

  it("of one agent can never be written as another's", async () => {
    const [a, b] = [await enrolled(), await enrolled()];
    const agent = await ready(a);
    await ready(b);
    const push = agent.push();
    push.send([batchOf(1, thisInterval())]);
    await expect.poll(push.outcomes).toBe(1);
    const rows = await context()
      .sql`select server_no from metric_host_10s where server_no in (${(await serverOf(a)).server_no}, ${(await serverOf(b)).server_no})`;
    expect([...rows]).toEqual([{ server_no: (await serverOf(a)).server_no }]);
  });
});
