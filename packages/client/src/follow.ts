import type { LiveServerMessage } from "@devflow/api";
import { DevFlowError } from "./error.ts";
import type { Connection } from "./send.ts";

export type LiveMessage = LiveServerMessage;

export interface FollowOptions {
  readonly onMessage: (message: LiveMessage) => void;
  /** "open" each time that it is connected and subscribed anew: what was read before may have missed changes. */
  readonly onState?: (state: "open" | "lost") => void;
  /** The end: signed out, or a topic was refused. Nothing comes afterwards. */
  readonly onEnd?: (error: DevFlowError) => void;
}

export interface Following {
  close(): void;
}

const aliveMs = 15_000;
/** The controller ends sockets of a session or token that ended with this. */
const signedOut = 4401;

/** Node's WebSocket takes request headers, which the browsers' does not and the types leave out. */
type AnyWebSocket = new (url: string, options?: { headers: Record<string, string> }) => WebSocket;

/**
 * Follows live topics over the WebSocket. A connection that is lost, or silent for 30 s, is made again: after 0.5 s,
 * doubling to 10 s, with jitter.
 * @param probe an ordinary call: a WebSocket does not tell why it was refused
 */
export function follow(
  connection: Connection,
  topics: readonly string[],
  options: FollowOptions,
  probe: () => Promise<unknown>,
): Following {
  let socket: WebSocket | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let attempt = 0;
  let over = false;

  const finish = (error: DevFlowError | null) => {
    if (over) return;
    over = true;
    clearTimeout(timer);
    socket?.close();
    if (error !== null) options.onEnd?.(error);
  };

  const again = async () => {
    options.onState?.("lost");
    try {
      await probe();
    } catch (error) {
      if (error instanceof DevFlowError && (error.code === "unauthenticated" || error.code === "forbidden")) return finish(error);
    }
    if (over) return;
    const windowMs = Math.min(10_000, 500 * 2 ** attempt++);
    timer = setTimeout(open, windowMs * (0.5 + Math.random() / 2));
  };

  const open = () => {
    const url = new URL("/api/v1/live", connection.url);
    url.protocol = url.protocol.replace("http", "ws");
    const headers = connection.token == null ? undefined : { authorization: `Bearer ${connection.token}` };
    const current = new (WebSocket as unknown as AnyWebSocket)(url.href, ...(headers === undefined ? [] : [{ headers }]));
    socket = current;
    let alive: ReturnType<typeof setInterval> | undefined;
    let heard = true;
    let done = false;
    const lost = (code: number) => {
      if (done) return;
      done = true;
      clearInterval(alive);
      if (over) return;
      if (code === signedOut) finish(new DevFlowError("unauthenticated", "The session or token ended", { status: 401 }));
      else void again();
    };
    current.onopen = () => {
      for (const topic of topics) current.send(JSON.stringify({ type: "subscribe", topic }));
      attempt = 0;
      alive = setInterval(() => {
        if (!heard) {
          current.close();
          lost(0);
          return;
        }
        heard = false;
        current.send('{"type":"ping"}');
      }, aliveMs);
      (alive as { unref?: () => void }).unref?.();
      options.onState?.("open");
    };
    current.onmessage = ({ data }: MessageEvent) => {
      heard = true;
      if (over) return;
      const message = JSON.parse(String(data)) as LiveMessage;
      if (message.type === "pong") return;
      if (message.type === "refused") finish(new DevFlowError(message.code as DevFlowError["code"], message.message));
      else options.onMessage(message);
    };
    current.onclose = ({ code }) => lost(code);
    current.onerror = () => lost(0);
  };

  open();
  return { close: () => finish(null) };
}
