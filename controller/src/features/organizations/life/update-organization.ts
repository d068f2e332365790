import type { UpdateOrganization } from "@devflow/api";
import { eq } from "drizzle-orm";
import { writeAudit } from "../../../platform/audit/index.ts";
import type { Principal } from "../../../platform/auth/index.ts";
import { organizations } from "../../../platform/auth/schema.ts";
import type { Context } from "../../../platform/context.ts";
import { writeEvent } from "../../../platform/events/index.ts";
import { lockOrganization } from "../grants/lock-organization.ts";

/** Renames the caller's organisation. Harmless when it is called so already. */
export async function updateOrganization({
  ctx,
  principal,
  input: { name },
}: {
  ctx: Context;
  principal: Principal;
  input: UpdateOrganization;
}): Promise<void> {
  const { organizationId } = principal;
  await ctx.db.transaction(async (tx) => {
    const { organization } = await lockOrganization(tx, principal, "organization.manage");
    if (organization.name === name) return;
    await tx.update(organizations).set({ name }).where(eq(organizations.id, organizationId));
    const change = { before: { name: organization.name }, after: { name } };
    await writeEvent(tx, principal, {
      type: "organization.updated",
      subject: { kind: "organization", id: organizationId, name },
      data: change,
    });
    await writeAudit(tx, principal, { action: "organizations.update", targetKind: "organization", targetId: organizationId, ...change });
  });
}
