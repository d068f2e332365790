import type { Client } from "@devflow/client";
import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { z } from "zod";
import { findServer } from "../find-server.ts";
import { answer } from "./answer.ts";

const one = z.string().min(1).max(100);

/** Tools that change something; there only with --allow-writes, and never more than the token may. */
export function writeTools(server: McpServer, client: Client): void {
  server.registerTool(
    "rename_server",
    {
      title: "Rename a server",
      description: "Gives a server another name.",
      inputSchema: { server: one.describe("name, host name or id"), newName: z.string().min(1).max(100) },
      annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    },
    ({ server: name, newName }, { signal }) =>
      answer(async () => {
        const { id } = await findServer(client, name);
        const renamed = await client.patch("/api/v1/servers/{id}", { path: { id }, body: { name: newName }, signal });
        return { id: renamed.id, name: renamed.name };
      }),
  );
  server.registerTool(
    "revoke_server",
    {
      title: "Revoke a server",
      description:
        "Ends a server's identity for good: it may never connect again as it is. Its history stays. Cannot be undone. Takes the id, so that no other server is meant.",
      inputSchema: { id: z.uuid() },
      annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
    },
    ({ id }, { signal }) =>
      answer(async () => {
        const revoked = await client.post("/api/v1/servers/{id}/revoke", { path: { id }, signal });
        return { id: revoked.id, name: revoked.name, state: revoked.state };
      }),
  );
}
