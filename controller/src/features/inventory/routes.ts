import { id, inventory as inventorySchema } from "@devflow/api";
import { z } from "zod";
import type { Context } from "../../platform/context.ts";
import { type Api, defineRoute } from "../../platform/http/index.ts";
import { getInventory } from "./get-inventory.ts";

/** Route of inventories; the agent's side writes them. */
export function inventoryRoutes(api: Api, ctx: Context): void {
  const get = defineRoute({
    method: "get",
    path: "/api/v1/servers/{id}/inventory",
    permission: "servers.read",
    tag: "inventory",
    summary: "What a server's machine is",
    params: z.object({ id }),
    scope: "server",
    response: inventorySchema,
  });
  api.route(get, ({ principal, params }) => getInventory({ ctx, principal, input: { serverId: params.id } }));
}
