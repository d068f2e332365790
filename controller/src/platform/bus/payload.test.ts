import { randomBytes } from "node:crypto";
import { expect, it } from "vitest";
import { createMasterKey } from "../crypto/index.ts";
import { maxEventBytes, maxTextBytes, openPayload, sealPayload, takeTexts } from "./payload.ts";

const key = createMasterKey(randomBytes(32));
const [a, b] = [crypto.randomUUID(), crypto.randomUUID()];
const changed = (serverId: string) => JSON.stringify(["server.changed", { organizationId: a, serverId }]);

it("fills a payload up to what NOTIFY takes and no byte more, whatever the letters", () => {
  for (const letter of ["x", "é", "😀"]) {
    const waiting = new Set(
      Array.from({ length: 400 }, (_, n) => JSON.stringify(["server.revoked", { serverId: b, reason: `${n} ${letter.repeat(80)}` }])),
    );
    const all = new Set(waiting);
    const got: unknown[] = [];
    while (waiting.size > 0) {
      const { taken, usedBytes } = takeTexts(waiting);
      expect(usedBytes).toBeLessThanOrEqual(maxTextBytes);
      const payload = sealPayload(key, a, taken, true);
      expect(Buffer.byteLength(payload)).toBeLessThan(8_000);
      got.push(...openPayload(key, b, payload)!.events);
    }
    expect(got).toEqual([...all].map((text) => JSON.parse(text) as unknown));
  }
  // The largest event that is let in fits.
  const largest = new Set([changed("x".repeat(maxEventBytes - 100))]);
  expect(takeTexts(largest).taken.length).toBe(1);
});

it("is not read by its own sender, nor under another key or origin, nor when it was changed", () => {
  const payload = sealPayload(key, a, [changed(b)], false);
  expect(payload).not.toContain(b);
  expect(openPayload(key, a, payload)).toBeNull();
  expect(openPayload(key, b, payload)).toEqual({
    origin: a,
    events: [["server.changed", { organizationId: a, serverId: b }]],
    missed: false,
  });
  expect(() => openPayload(createMasterKey(randomBytes(32)), b, payload)).toThrow(/cannot be opened/);
  expect(() => openPayload(key, b, payload.replace(a, crypto.randomUUID()))).toThrow(/cannot be opened/);
  for (const text of ["", "x", "{}", `${a}.`, `${a}.AAAA`]) expect(() => openPayload(key, b, text)).toThrow(/cannot be opened/);
});

it("leaves out what does not travel and what a newer release tells", () => {
  const texts = [JSON.stringify(["bus.resumed", {}]), JSON.stringify(["constructor", {}]), JSON.stringify(["later.event", {}]), changed(b)];
  expect(openPayload(key, b, sealPayload(key, a, texts, false))!.events.map(([name]) => name)).toEqual(["server.changed"]);
});
