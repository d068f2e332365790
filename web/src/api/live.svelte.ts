import type { LiveClientMessage, LiveServerMessage } from "@devflow/api";
import { backoffMs } from "./backoff.ts";

export type LiveStatus = "idle" | "connecting" | "open" | "lost";

/** Nothing heard for so long: the other end is asked. */
const QUIET_MS = 9000;
/** How long an answer may take, and an opening. */
const ANSWER_MS = 6000;
const OPEN_MS = 10_000;
const CHECK_MS = 1500;
/** Close code of the controller. */
const SESSION_ENDED = 4401;

type Handler = (message: LiveServerMessage) => void;

/** The topic that a message belongs to, or null for one that belongs to all. */
const topicOf = (m: Exclude<LiveServerMessage, { type: "health" | "missed" | "pong" }>): string =>
  m.type === "events"
    ? "events"
    : m.type === "servers" || m.type === "values"
      ? "servers"
      : m.type === "frame" || m.type === "frames"
        ? `server:${m.serverId}`
        : m.topic;

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
  #ended = new Set<() => void>();
  #socket: WebSocket | null = null;
  #attempt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #watch: ReturnType<typeof setInterval> | undefined;
  #heardMs = 0;
  #pingedMs: number | null = null;
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

  /** Calls back each time that something may have been missed (the connection or the controller's database was away): it wants to be fetched. */
  onReopened(handler: () => void): () => void {
    this.#opened.add(handler);
    return () => this.#opened.delete(handler);
  }

  /** Calls back when the controller ended the connection since the session ended or may do something else now. */
  onEnded(handler: () => void): () => void {
    this.#ended.add(handler);
    return () => this.#ended.delete(handler);
  }

  /** Closes for good, at sign-out. */
  stop(): void {
    clearTimeout(this.#timer);
    clearInterval(this.#watch);
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
    this.#heard();
    clearInterval(this.#watch);
    this.#watch = setInterval(() => this.#check(socket), CHECK_MS);
    socket.onopen = () => {
      this.#heard();
      const again = this.lostAtMs !== null;
      this.status = "open";
      this.lostAtMs = null;
      this.databaseAwaySinceMs = null;
      this.#attempt = 0;
      for (const topic of this.#topics.keys()) this.#send({ type: "subscribe", topic });
      if (again) for (const handler of this.#opened) handler();
    };
    socket.onmessage = (event) => {
      if (this.#socket !== socket) return;
      this.#heard();
      const message = JSON.parse(String(event.data)) as LiveServerMessage;
      if (message.type === "pong") return;
      if (message.type === "health") return this.#health(message);
      if (message.type === "missed") return this.#opened.forEach((handler) => handler());
      for (const handler of this.#topics.get(topicOf(message)) ?? []) handler(message);
    };
    socket.onclose = (event) => {
      const ended = this.#socket === socket && event.code === SESSION_ENDED;
      this.#lost(socket);
      if (ended) for (const handler of this.#ended) handler();
    };
  }

  #heard(): void {
    this.#heardMs = Date.now();
    this.#pingedMs = null;
  }

  /** A connection whose other end went without a word stays "open" for minutes: what is quiet is asked, and given up without an answer. */
  #check(socket: WebSocket): void {
    if (this.#socket !== socket) return;
    const now = Date.now();
    const open = socket.readyState === WebSocket.OPEN;
    if (open && this.#pingedMs === null) {
      if (now - this.#heardMs < QUIET_MS) return;
      this.#pingedMs = now;
      this.#send({ type: "ping" });
    } else if (now - (this.#pingedMs ?? this.#heardMs) >= (open ? ANSWER_MS : OPEN_MS)) {
      // Its own end may never come: it is not waited for.
      this.#lost(socket);
      socket.close();
    }
  }

  #lost(socket: WebSocket): void {
    if (this.#socket !== socket) return;
    this.#socket = null;
    clearInterval(this.#watch);
    if (!this.#held) return void (this.status = "idle");
    this.lostAtMs ??= Date.now();
    this.status = "lost";
    this.#timer = setTimeout(() => this.#dial(), backoffMs(this.#attempt++, Math.random()));
  }
}

/** The page's connection. */
export const live = new LiveConnection(() => `${location.origin.replace(/^http/, "ws")}/api/v1/live`);
