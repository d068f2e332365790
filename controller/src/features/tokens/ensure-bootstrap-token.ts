import { randomUUID } from "node:crypto";
import { and, eq, isNull, ne } from "drizzle-orm";
import { writeAudit } from "../../platform/audit/index.ts";
import { grants } from "../../platform/auth/schema.ts";
import { type Principal, roleAccess } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";
import { apiTokens } from "./schema.ts";
import { tokenHash, tokenPrefix } from "./secret.ts";

const name = "DEVFLOW_BOOTSTRAP_TOKEN";

/**
 * Makes the API token of DEVFLOW_BOOTSTRAP_TOKEN, an owner, when its hash is not there. A token that was revoked stays
 * revoked, and one of an earlier value of the setting ends. Returns whether one was made.
 */
export async function ensureBootstrapToken({ ctx }: { ctx: Context }): Promise<boolean> {
  const secret = ctx.config.bootstrapToken;
  if (secret === null) return false;
  const sha256 = tokenHash(secret);
  const organizationId = ctx.installation.defaultOrganizationId;
  return ctx.db.transaction(async (tx) => {
    await tx
      .update(apiTokens)
      .set({ revokedAt: new Date(ctx.clock.now()) })
      .where(and(eq(apiTokens.name, name), isNull(apiTokens.createdBy), ne(apiTokens.sha256, sha256), isNull(apiTokens.revokedAt)));
    const [row] = await tx
      .insert(apiTokens)
      .values({ organizationId, name, prefix: tokenPrefix(secret), sha256, createdBy: null })
      .onConflictDoNothing({ target: apiTokens.sha256 })
      .returning({ id: apiTokens.id });
    if (row === undefined) return false;
    await tx.insert(grants).values({
      organizationId,
      principalKind: "token",
      principalId: row.id,
      role: "owner",
      scopeKind: "organization",
      scopeId: organizationId,
    });
    const principal: Principal = {
      kind: "system",
      id: "setup",
      name: "first start",
      organizationId,
      userId: null,
      access: roleAccess("owner", organizationId),
      address: null,
      requestId: randomUUID(),
    };
    await writeAudit(tx, principal, {
      action: "tokens.create",
      targetKind: "token",
      targetId: row.id,
      after: { name, role: "owner" },
    });
    return true;
  });
}
