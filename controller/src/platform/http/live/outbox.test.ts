import { describe, expect, it } from "vitest";
import { createOutbox } from "./outbox.ts";

function slowWire() {
  const sent: string[] = [];
  const done: (() => void)[] = [];
  const wire = {
    bufferedAmount: 0,
    send(text: string, callback: () => void) {
      sent.push(text);
      wire.bufferedAmount += text.length;
      done.push(() => {
        wire.bufferedAmount -= text.length;
        callback();
      });
    },
  };
  return { wire, sent, drain: () => done.shift()?.() };
}

describe("createOutbox", () => {
  it("sends at once while the reader keeps up", () => {
    const { wire, sent } = slowWire();
    const outbox = createOutbox(wire, () => 0, 100);
    outbox.send("a", "1");
    outbox.send("a", "2");
    expect(sent).toEqual(["1", "2"]);
    expect(outbox.ready).toBe(true);
  });

  it("keeps the newest of each slot for a slow reader, never out of order", () => {
    const { wire, sent, drain } = slowWire();
    const outbox = createOutbox(wire, () => 0, 3);
    outbox.send("a", "a-1");
    for (const n of [2, 3, 4]) outbox.send("a", `a-${n}`);
    outbox.send("b", "b-1");
    outbox.send("a", "a-5");
    expect(sent).toEqual(["a-1"]);
    expect(outbox.ready).toBe(false);
    drain();
    drain();
    drain();
    expect(sent).toEqual(["a-1", "a-5", "b-1"]);
    expect(outbox.ready).toBe(true);
  });

  it("says for how long the reader has not kept up", () => {
    let now = 0;
    const { wire, drain } = slowWire();
    const outbox = createOutbox(wire, () => now, 1);
    outbox.send("a", "1");
    outbox.send("a", "2");
    now = 7_000;
    expect(outbox.stalledMs()).toBe(7_000);
    drain();
    drain();
    expect(outbox.stalledMs()).toBe(0);
  });

  it("forgets what waits for a subscription that ended", () => {
    const { wire, sent, drain } = slowWire();
    const outbox = createOutbox(wire, () => 0, 1);
    outbox.send("a", "1");
    outbox.send("a", "2");
    outbox.forget("a");
    drain();
    expect(sent).toEqual(["1"]);
  });
});
