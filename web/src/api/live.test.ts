import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { LiveConnection } from "./live.svelte.ts";

/** The browser's WebSocket, as far as the connection uses it. */
class Socket {
  static readonly OPEN = 1;
  static all: Socket[] = [];
  readyState = 0;
  sent: unknown[] = [];
  onopen?: () => void;
  onclose?: (event: { code: number }) => void;
  onmessage?: (event: { data: string }) => void;
  constructor() {
    Socket.all.push(this);
  }
  send(text: string) {
    this.sent.push(JSON.parse(text));
  }
  close() {
    this.readyState = 3;
    this.onclose?.({ code: 1006 });
  }
  open() {
    this.readyState = 1;
    this.onopen?.();
  }
}
beforeEach(() => {
  Socket.all = [];
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", Socket);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});
const newest = () => Socket.all.at(-1) as Socket;

it("subscribes once it is open, again after a loss, and says that it was away", () => {
  const live = new LiveConnection(() => "ws://x");
  live.hold();
  const reopened = vi.fn<() => void>();
  live.onReopened(reopened);
  live.subscribe("servers", vi.fn());
  newest().open();
  expect(newest().sent).toEqual([{ type: "subscribe", topic: "servers" }]);
  expect(live.status).toBe("open");
  newest().close();
  expect(live.status).toBe("lost");
  vi.advanceTimersToNextTimer();
  expect(Socket.all).toHaveLength(2);
  newest().open();
  expect(newest().sent).toEqual([{ type: "subscribe", topic: "servers" }]);
  expect(live.status).toBe("open");
  expect(reopened).toHaveBeenCalledOnce();
});
it("brings messages to their topic only", () => {
  const live = new LiveConnection(() => "ws://x");
  live.hold();
  const [a, b] = [vi.fn<() => void>(), vi.fn<() => void>()];
  live.subscribe("server:1", a);
  live.subscribe("server:2", b);
  newest().open();
  newest().onmessage?.({ data: JSON.stringify({ type: "frame", serverId: "2", timeMs: 1, rows: [] }) });
  expect([a.mock.calls.length, b.mock.calls.length]).toEqual([0, 1]);
});
it("stays away after the sign-out", () => {
  const live = new LiveConnection(() => "ws://x");
  live.hold();
  newest().open();
  live.stop();
  vi.advanceTimersByTime(60_000);
  expect(Socket.all).toHaveLength(1);
  expect(live.status).toBe("idle");
});
it("unsubscribes with the last listener", () => {
  const live = new LiveConnection(() => "ws://x");
  live.hold();
  const [one, two] = [live.subscribe("servers", vi.fn()), live.subscribe("servers", vi.fn())];
  newest().open();
  one();
  expect(newest().sent).toHaveLength(1);
  two();
  expect(newest().sent.at(-1)).toEqual({ type: "unsubscribe", topic: "servers" });
});
it("waits for somebody to be signed in", () => {
  const live = new LiveConnection(() => "ws://x");
  live.subscribe("servers", vi.fn<() => void>());
  expect(Socket.all).toHaveLength(0);
  live.hold();
  newest().open();
  expect(newest().sent).toEqual([{ type: "subscribe", topic: "servers" }]);
});
it("says since when the database is away, and fetches anew when it is back", () => {
  const live = new LiveConnection(() => "ws://x");
  const reopened = vi.fn<() => void>();
  live.onReopened(reopened);
  live.subscribe("servers", vi.fn());
  live.hold();
  newest().open();
  const tell = (message: object) => newest().onmessage?.({ data: JSON.stringify(message) });
  tell({ type: "health", database: "unavailable", sinceMs: 5 });
  expect(live.databaseAwaySinceMs).toBe(5);
  expect(reopened).not.toHaveBeenCalled();
  tell({ type: "health", database: "ok", sinceMs: 9 });
  expect(live.databaseAwaySinceMs).toBeNull();
  expect(reopened).toHaveBeenCalledOnce();
});
it("asks when it is quiet, and dials again without an answer", () => {
  const live = new LiveConnection(() => "ws://x");
  live.hold();
  newest().open();
  vi.advanceTimersByTime(10_600);
  expect(newest().sent).toEqual([{ type: "ping" }]);
  newest().onmessage?.({ data: JSON.stringify({ type: "pong" }) });
  vi.advanceTimersByTime(7000);
  expect([live.status, Socket.all.length]).toEqual(["open", 1]);
  while (Socket.all.length === 1) vi.advanceTimersToNextTimer();
  expect(live.status).toBe("lost");
  newest().open();
  expect(live.status).toBe("open");
});
it("gives an opening up that leads nowhere", () => {
  const live = new LiveConnection(() => "ws://x");
  live.hold();
  vi.advanceTimersByTime(11_000);
  expect(live.status).toBe("lost");
});

it("has everything fetched again when the controller says that it may have missed changes", () => {
  const live = new LiveConnection(() => "ws://x");
  live.hold();
  const reopened = vi.fn<() => void>();
  live.onReopened(reopened);
  newest().open();
  newest().onmessage?.({ data: JSON.stringify({ type: "missed" }) });
  expect(reopened).toHaveBeenCalledOnce();
  expect(live.status).toBe("open");
});
