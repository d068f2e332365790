import { securitySettings, type SecuritySettings } from "@devflow/api";
import { writeAudit } from "../../platform/audit/index.ts";
import type { Principal } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";
import { readSetting, writeSetting } from "../../platform/settings/index.ts";

export async function readSecurity({ ctx }: { ctx: Parameters<typeof readSetting>[0] }): Promise<SecuritySettings> {
  return (await readSetting(ctx, "security", securitySettings))?.value ?? { checkBreachedPasswords: false };
}

export async function putSecurity({
  ctx,
  principal,
  input,
}: {
  ctx: Context;
  principal: Principal;
  input: SecuritySettings;
}): Promise<SecuritySettings> {
  await ctx.db.transaction(async (tx) => {
    const before = await readSecurity({ ctx: { db: tx, masterKey: ctx.masterKey } });
    await writeSetting(tx, ctx, "security", input);
    await writeAudit(tx, principal, { action: "settings.update", targetKind: "setting", targetId: "security", before, after: input });
  });
  return input;
}
