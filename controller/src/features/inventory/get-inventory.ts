import type { Inventory } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { and, eq } from "drizzle-orm";
import type { Principal } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";
import { inventories } from "./schema.ts";

/** Facts that inventories stored by earlier versions lack, until the agent sends the next one. */
const notAsked = { gpus: [], memoryModules: [], chassis: "", hasBattery: false, updatesPending: null, securityUpdatesPending: null };

/** What a server's machine is, as its agent reported last. Throws AppError not_found until it did. */
export async function getInventory({
  ctx,
  principal,
  input,
}: {
  ctx: Context;
  principal: Principal;
  input: { serverId: string };
}): Promise<Inventory> {
  const [row] = await ctx.db
    .select()
    .from(inventories)
    .where(and(eq(inventories.serverId, input.serverId), eq(inventories.organizationId, principal.organizationId)));
  if (row === undefined)
    throw new AppError("not_found", "This server has not reported its inventory yet; its agent does so when it connects");
  return {
    ...notAsked,
    ...(row.facts as Omit<Inventory, "serverId" | "updatedAt">),
    serverId: row.serverId,
    updatedAt: row.updatedAt.toISOString(),
  };
}
