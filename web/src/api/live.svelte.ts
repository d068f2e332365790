import type { LiveClientMessage, LiveServerMessage } from "@devflow/api";
import { backoffMs } from "./backoff.ts";

export type LiveStatus = "idle" | "connecting" | "open" | "lost";
type Handler = (message: LiveServerMessage) => void;

/** The topic that a message belongs to, or null for one that belongs to all. */
const topicOf = (m: Exclude<LiveServerMessage, { type: "health" }>): string =>
  m.type === "servers" || m.type === "values" ? "servers" : m.type === "frame" || m.type === "frames" ? `server:${m.serverId}` : m.topic;

/**
 * The WebSocket at /api/v1/live: one connection for the whole page. A lost
 * connection is dialled again with jitter, at once when the network comes back or the page is looked at again.
 */
export class LiveConnection {
  status = $state<LiveStatus>("idle");
  /** When the connection was lost, milliseconds since 1970. */
  lostAtMs = $state<number | null>(null);
  /** Since when the controller cannot use its database, milliseconds since 1970; null while it can. */
  databaseAwaySinceMs = $state<number | null>(null);
  #topics = new Map<string, Set<Handler>>();
  #opened = new Set<() => void>();
  #socket: WebSocket | null = null;
  #attempt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #held = false;
  readonly #url: () => string;

  constructor(url: () => string) {
    this.#url = url;
    if (typeof window === "undefined") return;
    const wake = () => this.#socket === null && this.#held && this.#dial();
    addEventListener("online", wake);
    addEventListener("offline", () => this.#socket?.close());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && wake());
  }

  /** Opens the connection, once somebody is signed in, and keeps it: its loss is seen on every page. */
  hold(): void {
    this.#held = true;
    if (this.#socket === null) this.#dial();
  }

  /** Starts a topic ("servers" or "server:<id>"); returns what stops it. */
  subscribe(topic: string, handler: Handler): () => void {
    let handlers = this.#topics.get(topic);
    if (!handlers) {
      handlers = new Set();
      this.#topics.set(topic, handlers);
      this.#send({ type: "subscribe", topic });
    }
    handlers.add(handler);
    if (this.#held && this.#socket === null) this.#dial();
    return () => {
      handlers.delete(handler);
      if (handlers.size > 0 || this.#topics.get(topic) !== handlers) return;
      this.#topics.delete(topic);
      this.#send({ type: "unsubscribe", topic });
    };
  }

  /** Calls back each time that a lost connection, or the controller's database, is there again: what was missed wants to be fetched. */
  onReopened(handler: () => void): () => void {
    this.#opened.add(handler);
    return () => this.#opened.delete(handler);
  }

  /** Closes for good, at sign-out. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#held = false;
    this.#topics.clear();
    const socket = this.#socket;
    this.#socket = null;
    this.status = "idle";
    this.lostAtMs = null;
    socket?.close();
  }

  #health({ database, sinceMs }: Extract<LiveServerMessage, { type: "health" }>): void {
    const wasAway = this.databaseAwaySinceMs !== null;
    this.databaseAwaySinceMs = database === "ok" ? null : sinceMs;
    // What could not be loaded meanwhile wants to be fetched.
    if (wasAway && database === "ok") for (const handler of this.#opened) handler();
  }

  #send(message: LiveClientMessage): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #dial(): void {
    clearTimeout(this.#timer);
    if (this.status !== "lost") this.status = "connecting";
    const socket = new WebSocket(this.#url());
    this.#socket = socket;
    socket.onopen = () => {
      const again = this.lostAtMs !== null;
      this.status = "open";
      this.lostAtMs = null;
      this.databaseAwaySinceMs = null;
      this.#attempt = 0;
      for (const topic of this.#topics.keys()) this.#send({ type: "subscribe", topic });
      if (again) for (const handler of this.#opened) handler();
    };
    socket.onmessage = (event) => {
      const message = JSON.parse(String(event.data)) as LiveServerMessage;
      if (message.type === "health") return this.#health(message);
      for (const handler of this.#topics.get(topicOf(message)) ?? []) handler(message);
    };
    socket.onclose = () => {
      if (this.#socket !== socket) return;
      this.#socket = null;
      if (!this.#held) return void (this.status = "idle");
      this.lostAtMs ??= Date.now();
      this.status = "lost";
      this.#timer = setTimeout(() => this.#dial(), backoffMs(this.#attempt++, Math.random()));
    };
  }
}

/** The page's connection. */
export const live = new LiveConnection(() => `${location.origin.replace(/^http/, "ws")}/api/v1/live`);
