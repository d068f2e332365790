import type { ApiToken, apiTokenListQuery } from "@devflow/api";
import { and, desc, eq, gt, isNotNull, isNull, lte, or, type SQL, sql } from "drizzle-orm";
import type { z } from "zod";
import type { Principal } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";
import { type Page, readCursor, writeCursor } from "../../platform/http/cursor.ts";
import { findOwner, mayManageTokens, ownedSql } from "./ownership.ts";
import { apiTokens } from "./schema.ts";
import { selectTokens, viewTokens } from "./token-view.ts";

type Input = z.output<typeof apiTokenListQuery>;

/**
 * API tokens, newest first, revoked ones included: everybody's for who may manage tokens, otherwise the caller's own.
 * Throws AppError invalid for a foreign cursor.
 */
export async function listTokens({ ctx, principal, input }: { ctx: Context; principal: Principal; input: Input }): Promise<Page<ApiToken>> {
  const limit = input.limit ?? 50;
  const after = readCursor(input.cursor, ["string", "string"]);
  const owner = await findOwner(ctx.db, principal);
  const onlyOwn = input.mine === "true" || !mayManageTokens(principal);
  const search = input.search?.trim().toLowerCase() ?? "";
  const rows = await selectTokens(
    ctx.db,
    and(
      eq(apiTokens.organizationId, principal.organizationId),
      onlyOwn ? ownedSql(owner) : undefined,
      input.serviceAccountId === undefined ? undefined : eq(apiTokens.serviceAccountId, input.serviceAccountId),
      search === "" ? undefined : sql`strpos(lower(${apiTokens.name}), ${search}) > 0`,
      inState(input.state, new Date(ctx.clock.now())),
      after === null ? undefined : sql`(${apiTokens.createdAt}, ${apiTokens.id}) < (${after[0]}::timestamptz, ${after[1]}::uuid)`,
    ),
  )
    .orderBy(desc(apiTokens.createdAt), desc(apiTokens.id))
    .limit(limit + 1);
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    items: await viewTokens(ctx.db, principal, owner, page),
    nextCursor: rows.length > limit && last !== undefined ? writeCursor([last.token.createdAt.toISOString(), last.token.id]) : null,
  };
}

function inState(state: Input["state"], now: Date): SQL | undefined {
  if (state === undefined) return undefined;
  if (state === "revoked") return isNotNull(apiTokens.revokedAt);
  const ended = state === "expired" ? lte(apiTokens.expiresAt, now) : or(isNull(apiTokens.expiresAt), gt(apiTokens.expiresAt, now));
  return and(isNull(apiTokens.revokedAt), ended);
}
