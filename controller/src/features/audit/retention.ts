import type { AuditRetention } from "@devflow/api";
import { writeAudit } from "../../platform/audit/index.ts";
import { auditRetentionDays } from "../../platform/audit/retention.ts";
import type { Principal } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";
import { mergeSetting } from "../../platform/settings/index.ts";

export const readAuditRetention = async ({ ctx }: { ctx: Context }): Promise<AuditRetention> => ({ days: await auditRetentionDays(ctx) });

/** Settles for how long the audit log is kept, for the whole installation; older rows leave with the next night's job. */
export async function putAuditRetention({
  ctx,
  principal,
  input,
}: {
  ctx: Context;
  principal: Principal;
  input: AuditRetention;
}): Promise<AuditRetention> {
  const before = await readAuditRetention({ ctx });
  await ctx.db.transaction(async (tx) => {
    await mergeSetting(tx, ctx, "retention", { auditDays: input.days });
    await writeAudit(tx, principal, {
      action: "settings.update",
      targetKind: "setting",
      targetId: "audit-retention",
      before,
      after: input,
    });
  });
  return input;
}
