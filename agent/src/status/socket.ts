import { chmod, rm } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { AppError } from "@devflow/errors";
import type { AgentStatus } from "./status.ts";

export const statusSocketPath = (stateDir: string): string => join(stateDir, "status.sock");

/**
 * Answers each connection with the status as one JSON object. Mode 600: the agent's user and root. Throws AppError
 * conflict when an agent already runs on this folder: two would use one identity and one spool.
 */
export async function serveStatus(stateDir: string, status: () => AgentStatus): Promise<() => Promise<void>> {
  const path = statusSocketPath(stateDir);
  const other = await readStatus(stateDir).catch(() => null); // nobody answers: the socket is what a killed process left
  if (other) throw new AppError("conflict", `An agent already runs on ${stateDir} (process ${other.pid}); stop it first`);
  await rm(path, { force: true });
  const server: Server = createServer((socket) => {
    socket.on("error", () => undefined); // the reader has gone
    socket.end(JSON.stringify(status()));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => reject(new AppError("internal", `${path} cannot be listened on: ${cause.message}`, { cause })));
    server.listen(path, resolve);
  });
  await chmod(path, 0o600);
  return () => new Promise((resolve) => server.close(() => resolve()));
}

/** Asks the running agent. Throws AppError unavailable when none runs, forbidden when this user may not ask. */
export async function readStatus(stateDir: string): Promise<AgentStatus> {
  const path = statusSocketPath(stateDir);
  const text = await new Promise<string>((resolve, reject) => {
    const socket = connect(path);
    let received = "";
    socket.setEncoding("utf8").setTimeout(5_000, () => socket.destroy(new Error("no answer within 5 s")));
    socket.on("data", (chunk: string) => (received += chunk));
    socket.on("end", () => resolve(received));
    socket.on("error", (cause: NodeJS.ErrnoException) =>
      reject(
        cause.code === "EACCES"
          ? new AppError("forbidden", `The agent's status may be read by root and the agent's user only; try it with sudo`, { cause })
          : new AppError("unavailable", `No agent runs on ${stateDir}`, { cause }),
      ),
    );
  });
  return JSON.parse(text) as AgentStatus;
}
