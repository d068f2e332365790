import { connect, type Socket } from "node:net";

export interface RawAnswer {
  /** Everything that came back. */
  readonly text: string;
  /** Statuses of all answers in it, in order. */
  readonly statuses: readonly number[];
  /** Whether the other end closed, without us having done so. */
  readonly closed: boolean;
  readonly afterMs: number;
}

/**
 * Sends bytes as they are, and never closes its own half: what a hostile client does.
 * @param parts sent one after the other with 20 ms between them
 * @param waitMs gives up waiting for the other end to close; default 3 s
 */
export function sendRaw(port: number, parts: string | readonly string[], waitMs = 3_000): Promise<RawAnswer> {
  const began = performance.now();
  return new Promise((resolve) => {
    let text = "";
    let settled = false;
    const socket: Socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    const settle = (closed: boolean) => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      socket.destroy();
      const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
      resolve({ text, statuses, closed, afterMs: performance.now() - began });
    };
    const timer = setTimeout(() => settle(false), waitMs);
    socket.setEncoding("latin1");
    socket.on("data", (chunk: string) => (text += chunk));
    // A FIN alone leaves the other end's memory in use; only what is torn down answers our next byte with a reset.
    socket.on("end", () => {
      const poke = setInterval(() => {
        if (settled) clearInterval(poke);
        else socket.write("x");
      }, 50);
    });
    socket.on("error", () => settle(true));
    socket.on("close", () => settle(true));
    socket.on("connect", () => {
      void (async () => {
        for (const part of typeof parts === "string" ? [parts] : parts) {
          if (settled) return;
          socket.write(Buffer.from(part, "latin1"));
          await new Promise((next) => setTimeout(next, 20));
        }
      })();
    });
  });
}
