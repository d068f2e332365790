import type { Client } from "@devflow/client";
import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { z } from "zod";
import { readMoment } from "../read-option.ts";
import { reads } from "./annotations.ts";
import { answer } from "./answer.ts";

const limit = z.number().int().min(1).max(50).optional().describe("default 20");
const cursor = z.string().max(200).optional().describe("nextCursor of the answer before");
const moment = z.string().max(40).optional();

/** Tools that read what happened, who did it, and how servers are sorted. */
export function organizationTools(server: McpServer, client: Client): void {
  const time = (name: string, text: string | undefined) =>
    text === undefined ? undefined : readMoment(name, text, Date.now()).toISOString();
  server.registerTool(
    "list_events",
    {
      title: "Events",
      description: "What happened, newest first: servers going offline, changes of people, tokens, groups. At most 50 at a time.",
      inputSchema: {
        types: z.string().max(500).optional().describe("comma separated, such as server.offline,server.online"),
        subjectKind: z.string().max(50).optional().describe("server, group, user, token …; with subjectId"),
        subjectId: z.string().max(100).optional(),
        from: moment.describe("RFC 3339 time, or how long ago: 30m, 6h, 7d"),
        to: moment,
        limit,
        cursor,
      },
      annotations: reads,
    },
    ({ from, to, limit: most = 20, ...query }, { signal }) =>
      answer(async () => {
        const page = await client.get("/api/v1/events", {
          query: { ...query, from: time("from", from), to: time("to", to), limit: most },
          signal,
        });
        return { events: page.items, nextCursor: page.nextCursor };
      }),
  );
  server.registerTool(
    "list_audit",
    {
      title: "Audit log",
      description: "Who changed what, and who was refused, newest first, with what was there before and after. At most 50 at a time.",
      inputSchema: {
        actor: z.string().max(254).optional().describe("name or id of who did it, exactly"),
        action: z.string().max(200).optional().describe('servers.revoke, or "servers." for all that begin so'),
        search: z.string().max(200).optional().describe("text anywhere in an entry"),
        refused: z.boolean().optional().describe("only what was refused"),
        from: moment.describe("RFC 3339 time, or how long ago: 30m, 6h, 7d"),
        to: moment,
        limit,
        cursor,
      },
      annotations: reads,
    },
    ({ from, to, search, refused, limit: most = 20, ...query }, { signal }) =>
      answer(async () => {
        const outcome = refused === true ? ("refused" as const) : undefined;
        const page = await client.get("/api/v1/audit", {
          query: { ...query, q: search, outcome, from: time("from", from), to: time("to", to), limit: most },
          signal,
        });
        return { entries: page.items, nextCursor: page.nextCursor };
      }),
  );
  server.registerTool(
    "list_groups",
    { title: "Server groups", description: "Server groups with their teams and counts.", inputSchema: {}, annotations: reads },
    (_input, { signal }) =>
      answer(async () => {
        const { items } = await client.get("/api/v1/groups", { signal });
        return {
          groups: items
            .slice(0, 100)
            .map(({ id, name, description, team, servers }) => ({ id, name, description, team: team?.name ?? null, servers })),
          leftOut: Math.max(0, items.length - 100),
        };
      }),
  );
  server.registerTool(
    "list_tags",
    { title: "Tags", description: "Tags with how many servers have them.", inputSchema: {}, annotations: reads },
    (_input, { signal }) =>
      answer(async () => {
        const { items } = await client.get("/api/v1/tags", { signal });
        return { tags: items.slice(0, 200), leftOut: Math.max(0, items.length - 200) };
      }),
  );
  server.registerTool(
    "list_webhooks",
    {
      title: "Outgoing webhooks",
      description: "Where events are sent to, and whether it works.",
      inputSchema: {},
      annotations: reads,
    },
    (_input, { signal }) =>
      answer(async () => {
        const { items } = await client.get("/api/v1/webhooks", { signal });
        return { webhooks: items.slice(0, 50), leftOut: Math.max(0, items.length - 50) };
      }),
  );
  server.registerTool(
    "list_webhook_deliveries",
    {
      title: "Deliveries of a webhook",
      description: "What was sent to a webhook and how it was answered, newest first. At most 50 at a time.",
      inputSchema: { webhookId: z.uuid(), state: z.enum(["waiting", "delivered", "failed", "skipped"]).optional(), limit, cursor },
      annotations: reads,
    },
    ({ webhookId, limit: most = 20, ...query }, { signal }) =>
      answer(async () => {
        const page = await client.get("/api/v1/webhooks/{id}/deliveries", {
          path: { id: webhookId },
          query: { ...query, limit: most },
          signal,
        });
        return { deliveries: page.items, nextCursor: page.nextCursor };
      }),
  );
}
