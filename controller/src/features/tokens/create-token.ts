import { type CreateApiToken, type CreatedApiToken, permissionsOf } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { count, eq } from "drizzle-orm";
import { writeAudit } from "../../platform/audit/index.ts";
import { holds, holdsSomewhere, type Principal } from "../../platform/auth/index.ts";
import { grants } from "../../platform/auth/schema.ts";
import type { Context } from "../../platform/context.ts";
import { writeEvent } from "../../platform/events/index.ts";
import { apiTokens } from "./schema.ts";
import { newTokenSecret, tokenHash, tokenPrefix } from "./secret.ts";
import { toApiToken } from "./token-view.ts";

const maxTokens = 1_000;

/**
 * Makes an API token; the answer is the only one that ever holds its secret.
 * @param input userId the user behind the request, also behind a token that makes another one
 * Throws AppError forbidden when more is asked for than the maker may do.
 */
export async function createToken({
  ctx,
  principal,
  input,
}: {
  ctx: Context;
  principal: Principal;
  input: CreateApiToken & { userId: string | null };
}): Promise<CreatedApiToken> {
  // A person's rights bound the token at each use, so that it may hold a role that the person has in parts only.
  const has = principal.kind === "user" ? holdsSomewhere : holds;
  const missing = permissionsOf(input.role).find((permission) => !has(principal.access, permission));
  if (missing !== undefined) {
    throw new AppError(
      "forbidden",
      `A token cannot do more than its maker: a token with the role "${input.role}" has "${missing}", you do not`,
    );
  }
  const secret = newTokenSecret();
  const { organizationId } = principal;
  const now = ctx.clock.now();
  const days = input.expiresInDays ?? null;
  const token = await ctx.db.transaction(async (tx) => {
    const [existing] = await tx.select({ count: count() }).from(apiTokens).where(eq(apiTokens.organizationId, organizationId));
    if ((existing?.count ?? 0) >= maxTokens)
      throw new AppError("conflict", `There are ${maxTokens} tokens already; revoke those that nobody uses`);
    const [row] = await tx
      .insert(apiTokens)
      .values({
        organizationId,
        name: input.name,
        prefix: tokenPrefix(secret),
        sha256: tokenHash(secret),
        createdBy: input.userId,
        createdAt: new Date(now),
        expiresAt: days === null ? null : new Date(now + days * 86_400_000),
      })
      .returning();
    await tx.insert(grants).values({
      organizationId,
      principalKind: "token",
      principalId: row!.id,
      role: input.role,
      scopeKind: "organization",
      scopeId: organizationId,
    });
    await writeAudit(tx, principal, {
      action: "tokens.create",
      targetKind: "token",
      targetId: row!.id,
      after: { name: input.name, role: input.role, expiresInDays: days },
    });
    await writeEvent(tx, principal, { type: "token.created", subject: { kind: "token", id: row!.id, name: input.name }, data: {} });
    return toApiToken(row!, input.role);
  });
  return { token, secret };
}
