import { toBinary } from "@bufbuild/protobuf";
import { AppError } from "@devflow/errors";
import { type Inventory, InventorySchema } from "@devflow/proto/inventory/v1/inventory";
import type { Context } from "../../platform/context.ts";
import type { AgentIdentity } from "../../platform/rpc/index.ts";
import { toFacts } from "./facts.ts";

const MAX_BYTES = 256 * 1024;

/**
 * Stores what a machine is, when it changed.
 * Throws AppError invalid above 256 KiB.
 */
export async function storeInventory({
  ctx,
  input,
}: {
  ctx: Context;
  input: { identity: AgentIdentity; inventory: Inventory };
}): Promise<void> {
  const { serverId, organizationId } = input.identity;
  const bytes = toBinary(InventorySchema, input.inventory).length;
  if (bytes > MAX_BYTES) throw new AppError("invalid", `Inventory: expected at most ${MAX_BYTES} bytes, got ${bytes}`);
  const facts = toFacts(input.inventory);
  const fingerprint = /^[0-9a-f]{64}$/.test(input.inventory.machineFingerprint) ? input.inventory.machineFingerprint : null;
  const [row] = await ctx.sql<{ stored: boolean }[]>`
    with stored as (
      insert into inventories as i (server_id, organization_id, updated_at, facts)
      values (${serverId}, ${organizationId}, ${new Date(ctx.clock.now())}, ${JSON.stringify(facts)}::text::jsonb)
      on conflict (server_id) do update set facts = excluded.facts, updated_at = excluded.updated_at where i.facts <> excluded.facts
      returning server_id
    ), named as (
      update servers set os_name = ${facts.osName}, machine_fingerprint = coalesce(${fingerprint}, machine_fingerprint)
      where id in (select server_id from stored)
    )
    select exists (select from stored) as stored`;
  if (row?.stored === true) ctx.bus.emit("server.changed", { organizationId, serverId });
}
