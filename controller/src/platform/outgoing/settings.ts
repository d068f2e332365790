import { type OutgoingSettings, outgoingSettings } from "@devflow/api";
import { writeAudit } from "../audit/index.ts";
import type { Principal } from "../auth/principal.ts";
import type { Context } from "../context.ts";
import { readSetting, writeSetting } from "../settings/index.ts";

const key = "outgoing";

/** Addresses beside public ones that the controller may call for users; default none. */
export async function readOutgoing({ ctx }: { ctx: Parameters<typeof readSetting>[0] }): Promise<OutgoingSettings> {
  return (await readSetting(ctx, key, outgoingSettings))?.value ?? { allowed: [] };
}

export async function putOutgoing({
  ctx,
  principal,
  input,
}: {
  ctx: Context;
  principal: Principal;
  input: OutgoingSettings;
}): Promise<OutgoingSettings> {
  const value = { allowed: [...new Set(input.allowed)] };
  await ctx.db.transaction(async (tx) => {
    const before = await readOutgoing({ ctx: { db: tx, masterKey: ctx.masterKey } });
    await writeSetting(tx, ctx, key, value);
    await writeAudit(tx, principal, { action: "settings.update", targetKind: "setting", targetId: key, before, after: value });
  });
  return value;
}
