import { once } from "node:events";
import { connect } from "node:net";
import { liveServerMessage } from "@devflow/api";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { createLog } from "../../controller/src/platform/log/index.ts";
import { testWeb, type TestWeb } from "../../controller/src/testing/web.ts";
import { hostileBytes, hostileText, hostileTexts, hostileValue } from "./hostile.ts";

const seed = Number(process.env["DEVFLOW_TEST_FUZZ_SEED"] ?? 1);
/** Ends of a connection that a wrong message may come to: not of this protocol, too many, too big, no text, no frame. */
const rightEnds = [4400, 4429, 1009, 1007, 1002, 1006];

describe("the live socket, talked to badly", () => {
  let web: TestWeb;
  const log: string[] = [];
  const errors = () => log.filter((line) => /"level":(?:50|60)/.test(line));
  beforeAll(async () => (web = await testWeb({}, { log: createLog("info", { write: (line) => void log.push(line) }) })));
  afterAll(() => web.close());

  const live = () => `${web.origin.replace("http", "ws")}/api/v1/live`;
  const open = async (token: string) => {
    const socket = new WebSocket(live(), { headers: { authorization: `Bearer ${token}` } });
    await once(socket, "open");
    const heard: unknown[] = [];
    const ended = new Promise<number>((resolve) => socket.on("close", resolve));
    socket.on("message", (data: Buffer) => heard.push(JSON.parse(data.toString())));
    socket.on("error", () => socket.terminate());
    return { socket, heard, ended };
  };
  const sockets = async (token: string) =>
    Number(/^devflow_live_sockets (\d+)$/m.exec(String((await web.ask("/metrics", { token })).body))?.[1]);

  it("answers what it understands, ends what it does not, and goes on for everybody else", async () => {
    const owner = await web.token("owner");
    const [view, foreign] = [await web.token("view"), await web.token("owner", await web.organization())];
    const bystander = await open(owner);
    bystander.socket.send(JSON.stringify({ type: "subscribe", topic: "servers" }));
    const names = web.api.topics.flatMap(({ name }) => [name, `${name}:`, `${name}:x`, `${name}:00000000-0000-4000-8000-000000000000`]);
    const text = fc.oneof(
      fc
        .tuple(fc.constantFrom("subscribe", "unsubscribe", "ping"), fc.oneof(fc.constantFrom(...names), hostileText))
        .map(([type, topic]) => JSON.stringify({ type, topic })),
      fc
        .tuple(fc.constantFrom(...names, ...hostileTexts), hostileValue)
        .map(([topic, bad]) => JSON.stringify({ type: "subscribe", topic, extra: bad, cursor: bad, after: bad })),
      hostileValue.map((value) => JSON.stringify(value) ?? ""),
      hostileBytes,
    );
    const talks = fc.sample(fc.array(text, { minLength: 1, maxLength: 5 }), { numRuns: 250, seed });
    const wrong: unknown[] = [];
    for (const [turn, talk] of talks.entries()) {
      const { socket, heard, ended } = await open([owner, view, foreign][turn % 3]!);
      for (const message of talk) if (socket.readyState === socket.OPEN) socket.send(message, { binary: turn % 17 === 0 });
      // The answer to this ping stands behind all others, if the socket is still there.
      if (socket.readyState === socket.OPEN) socket.send('{"type":"ping"}');
      const answered = async () => {
        while (!heard.some((message) => (message as { type: string }).type === "pong")) await new Promise((r) => setTimeout(r, 2));
        return "pong";
      };
      const outcome = await Promise.race([ended, answered(), new Promise((resolve) => setTimeout(() => resolve("hangs"), 5_000))]);
      if (outcome !== "pong" && !rightEnds.includes(outcome as number)) wrong.push({ seed, turn, outcome, talk });
      for (const message of heard) {
        const { success } = liveServerMessage.safeParse(message);
        if (!success || /postgres|select |at .*\.ts/i.test(String((message as { message?: string }).message)))
          wrong.push({ seed, turn, message, talk });
      }
      socket.terminate();
    }
    expect(wrong).toEqual([]);
    expect(errors()).toEqual([]);
    expect(bystander.socket.readyState).toBe(WebSocket.OPEN);
    bystander.socket.send('{"type":"ping"}');
    await expect.poll(() => bystander.heard.map((message) => (message as { type: string }).type)).toContain("pong");
    // Nothing is kept of those who went.
    await expect.poll(() => sockets(owner)).toBe(1);
    bystander.socket.terminate();
  }, 120_000);

  it("ends bytes that are no frames", async () => {
    const token = await web.token("owner");
    const mask = Buffer.from([1, 2, 3, 4]);
    const frame = (first: number, payload: Buffer, length = payload.length) =>
      Buffer.concat([
        Buffer.from([first, 0x80 | (length > 125 ? 126 : length), ...(length > 125 ? [length >> 8, length & 255] : [])]),
        mask,
        payload.map((byte, at) => byte ^ mask[at % 4]!),
      ]);
    const bad = {
      "invalid UTF-8": frame(0x81, Buffer.from([0xc3, 0x28])),
      "not masked": Buffer.from([0x81, 0x02, 0x7b, 0x7d]),
      "reserved bits": frame(0xf1, Buffer.from("{}")),
      "unknown opcode": frame(0x83, Buffer.from("{}")),
      "long control frame": frame(0x89, Buffer.alloc(126)),
      "more announced than allowed": Buffer.concat([Buffer.from([0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), mask]),
      "continuation of nothing": frame(0x80, Buffer.from("{}")),
      garbage: Buffer.from(Array.from({ length: 500 }, (_, at) => (at * 37 + seed) & 255)),
    };
    const { hostname, port } = new URL(web.origin);
    for (const [name, bytes] of Object.entries(bad)) {
      const socket = connect(Number(port), hostname);
      socket.on("error", () => socket.destroy());
      socket.write(
        `GET /api/v1/live HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nAuthorization: Bearer ${token}\r\n\r\n`,
      );
      const [head] = (await once(socket, "data")) as [Buffer];
      expect([name, head.toString("latin1").slice(0, 12)]).toEqual([name, "HTTP/1.1 101"]);
      const closed = once(socket, "close");
      socket.resume();
      socket.write(bytes);
      await closed;
    }
    expect(errors()).toEqual([]);
    await expect.poll(() => sockets(token)).toBe(0);
  }, 60_000);
});
