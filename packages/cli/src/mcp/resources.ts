import type { Client } from "@devflow/client";
import { type McpServer, ResourceTemplate } from "@modelcontextprotocol/sdk/server/mcp.js";
import { findServer } from "../find-server.ts";
import { marked, tamed } from "./answer.ts";
import { brief } from "./read-tools.ts";

const maxListed = 100;

/** Things that a person can put into a conversation: the fleet, and each server. Marked as untrusted like the tools' answers. */
export function resources(server: McpServer, client: Client): void {
  const contents = (uri: URL, value: unknown) => ({
    contents: [{ uri: uri.href, mimeType: "text/plain", text: marked(JSON.stringify(tamed(value))) }],
  });
  server.registerResource(
    "fleet",
    "devflow://fleet",
    { title: "Fleet", description: "How many servers there are and how they are", mimeType: "text/plain" },
    async (uri, { signal }) => contents(uri, await client.get("/api/v1/servers/summary", { signal })),
  );
  server.registerResource(
    "server",
    new ResourceTemplate("devflow://servers/{id}", {
      list: async ({ signal }) => {
        const { items } = await client.get("/api/v1/servers", { query: { limit: maxListed }, signal });
        return {
          resources: items.map(({ id, name, state }) => ({
            uri: `devflow://servers/${id}`,
            name: String(tamed(name)),
            description: `${state} server`,
            mimeType: "text/plain",
          })),
        };
      },
    }),
    { title: "Server", description: "A server's state and newest values", mimeType: "text/plain" },
    async (uri, { id }) => contents(uri, brief(await findServer(client, String(id)))),
  );
}
