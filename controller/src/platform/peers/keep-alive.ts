import type { WebSocket } from "ws";

const askEveryMs = 5_000;

/** Ends a connection whose other end no longer answers; a machine that is cut off closes nothing. */
export function keepAlive(socket: WebSocket): void {
  let answered = true;
  const asking = setInterval(() => {
    if (!answered) return socket.terminate();
    answered = false;
    socket.ping();
  }, askEveryMs);
  asking.unref();
  socket.on("pong", () => (answered = true));
  socket.on("close", () => clearInterval(asking));
}
