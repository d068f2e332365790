import type { Client } from "@devflow/client";
import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { z } from "zod";
import { findGroup } from "../find-group.ts";
import { findServer } from "../find-server.ts";
import { changesBack, destroys } from "./annotations.ts";
import { answer } from "./answer.ts";

const one = z.string().min(1).max(100);
const tag = z.string().min(1).max(50);

/** Tools that change something; there only with --allow-changes, and never more than the token may. */
export function writeTools(server: McpServer, client: Client): void {
  server.registerTool(
    "rename_server",
    {
      title: "Rename a server",
      description: "Gives a server another name.",
      inputSchema: { server: one.describe("name, host name or id"), newName: z.string().min(1).max(100) },
      annotations: changesBack,
    },
    ({ server: name, newName }, { signal }) =>
      answer(async () => {
        const { id } = await findServer(client, name);
        const renamed = await client.patch("/api/v1/servers/{id}", { path: { id }, body: { name: newName }, signal });
        return { id: renamed.id, name: renamed.name };
      }),
  );
  server.registerTool(
    "tag_servers",
    {
      title: "Tag servers",
      description: "Puts tags on servers and takes them off. Takes ids, at most 50; says for each what came of it.",
      inputSchema: { ids: z.array(z.uuid()).min(1).max(50), add: z.array(tag).max(50).optional(), remove: z.array(tag).max(50).optional() },
      annotations: changesBack,
    },
    ({ ids, add = [], remove = [] }, { signal }) =>
      answer(async () => ({ ...(await client.post("/api/v1/servers/bulk", { body: { ids, addTags: add, removeTags: remove }, signal })) })),
  );
  server.registerTool(
    "move_servers",
    {
      title: "Move servers into a group",
      description: "Puts servers into a server group, which may change who can see and change them. Takes ids, at most 50.",
      inputSchema: { ids: z.array(z.uuid()).min(1).max(50), group: one.describe('name or id; "none": out of their group') },
      annotations: { ...changesBack, destructiveHint: true },
    },
    ({ ids, group }, { signal }) =>
      answer(async () => {
        const groupId = group === "none" ? null : (await findGroup(client, group)).id;
        return { ...(await client.post("/api/v1/servers/bulk", { body: { ids, groupId }, signal })) };
      }),
  );
  server.registerTool(
    "create_group",
    {
      title: "Make a server group",
      description: "Makes a server group.",
      inputSchema: { name: z.string().min(1).max(100), description: z.string().max(500).optional() },
      annotations: { ...changesBack, idempotentHint: false },
    },
    ({ name, description }, { signal }) =>
      answer(async () => {
        const made = await client.post("/api/v1/groups", { body: { name, ...(description !== undefined && { description }) }, signal });
        return { id: made.id, name: made.name };
      }),
  );
  server.registerTool(
    "test_webhook",
    {
      title: "Send a test event",
      description: "Sends a test event to a webhook, that is to another program; list_webhook_deliveries tells what came of it.",
      inputSchema: { webhookId: z.uuid() },
      annotations: { ...changesBack, idempotentHint: false, openWorldHint: true },
    },
    ({ webhookId }, { signal }) =>
      answer(async () => ({ delivery: await client.post("/api/v1/webhooks/{id}/test", { path: { id: webhookId }, signal }) })),
  );
  server.registerTool(
    "replay_webhook_delivery",
    {
      title: "Send a delivery again",
      description: "Sends an earlier delivery of a webhook again.",
      inputSchema: { deliveryId: z.uuid() },
      annotations: { ...changesBack, idempotentHint: false, openWorldHint: true },
    },
    ({ deliveryId }, { signal }) =>
      answer(async () => ({ delivery: await client.post("/api/v1/webhook-deliveries/{id}/replay", { path: { id: deliveryId }, signal }) })),
  );
  server.registerTool(
    "revoke_server",
    {
      title: "Revoke a server",
      description:
        "Ends a server's identity for good: it may never connect again as it is. Its history stays. Cannot be undone. Takes the id, so that no other server is meant.",
      inputSchema: { id: z.uuid() },
      annotations: destroys,
    },
    ({ id }, { signal }) =>
      answer(async () => {
        const revoked = await client.post("/api/v1/servers/{id}/revoke", { path: { id }, signal });
        return { id: revoked.id, name: revoked.name, state: revoked.state };
      }),
  );
}
