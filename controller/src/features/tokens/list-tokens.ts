import type { ApiToken, Role } from "@devflow/api";
import { and, desc, eq, sql } from "drizzle-orm";
import type { Principal } from "../../platform/auth/index.ts";
import { grants } from "../../platform/auth/schema.ts";
import type { Context } from "../../platform/context.ts";
import { type Page, readCursor, writeCursor } from "../../platform/http/cursor.ts";
import { apiTokens } from "./schema.ts";
import { toApiToken } from "./token-view.ts";

interface Input {
  cursor?: string | undefined;
  limit?: number | undefined;
}

/** API tokens of the organisation, newest first, revoked ones included. Throws AppError invalid for a foreign cursor. */
export async function listTokens({ ctx, principal, input }: { ctx: Context; principal: Principal; input: Input }): Promise<Page<ApiToken>> {
  const limit = input.limit ?? 50;
  const after = readCursor(input.cursor, ["string", "string"]);
  const rows = await ctx.db
    .select({ token: apiTokens, role: grants.role })
    .from(apiTokens)
    .leftJoin(
      grants,
      and(
        eq(grants.principalKind, "token"),
        eq(grants.principalId, sql`${apiTokens.id}::text`),
        eq(grants.organizationId, apiTokens.organizationId),
      ),
    )
    .where(
      and(
        eq(apiTokens.organizationId, principal.organizationId),
        after === null ? undefined : sql`(${apiTokens.createdAt}, ${apiTokens.id}) < (${after[0]}::timestamptz, ${after[1]}::uuid)`,
      ),
    )
    .orderBy(desc(apiTokens.createdAt), desc(apiTokens.id))
    .limit(limit + 1);
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    items: page.map(({ token, role }) => toApiToken(token, (role ?? "view") as Role)),
    nextCursor: rows.length > limit && last !== undefined ? writeCursor([last.token.createdAt.toISOString(), last.token.id]) : null,
  };
}
