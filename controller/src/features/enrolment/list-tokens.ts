import type { EnrolmentToken } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { and, desc, eq, inArray, lt, or } from "drizzle-orm";
import { type Principal, reachOf } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";
import { serverGroups } from "../groups/schema.ts";
import { agentIdentities, enrolmentTokens } from "./schema.ts";

/** Servers named with one token; a token for thousands would make the list heavy. */
const maxServerIds = 100;

/** Row of the database → answer of the API, without hash and secret. */
export function toApiToken(row: typeof enrolmentTokens.$inferSelect, serverIds: string[]): EnrolmentToken {
  return {
    id: row.id,
    name: row.name,
    prefix: row.prefix,
    maxUses: row.maxUses,
    uses: row.uses,
    createdAt: row.createdAt.toISOString(),
    expiresAt: row.expiresAt.toISOString(),
    revokedAt: row.revokedAt?.toISOString() ?? null,
    groupId: row.groupId,
    tags: row.tags,
    serverIds,
  };
}

/**
 * Tokens of the organisation, newest first; for who may enrol into some groups, those that put servers there.
 * @param input.limit default 50
 * @param input.cursor nextCursor of the page before. Throws AppError invalid when it is not one
 */
export async function listTokens({
  ctx,
  principal,
  input,
}: {
  ctx: Context;
  principal: Principal;
  input: { cursor?: string | undefined; limit?: number | undefined };
}): Promise<{ items: EnrolmentToken[]; nextCursor: string | null }> {
  const limit = input.limit ?? 50;
  const after = input.cursor === undefined ? null : readCursor(input.cursor);
  const rows = await ctx.db
    .select()
    .from(enrolmentTokens)
    .where(
      and(
        eq(enrolmentTokens.organizationId, principal.organizationId),
        ...reachOf(principal.access, "servers.enrol").map(({ groupIds, teamIds }) =>
          inArray(
            enrolmentTokens.groupId,
            ctx.db
              .select({ id: serverGroups.id })
              .from(serverGroups)
              .where(or(inArray(serverGroups.id, groupIds), inArray(serverGroups.teamId, teamIds))),
          ),
        ),
        after === null
          ? undefined
          : or(lt(enrolmentTokens.createdAt, after.at), and(eq(enrolmentTokens.createdAt, after.at), lt(enrolmentTokens.id, after.id))),
      ),
    )
    .orderBy(desc(enrolmentTokens.createdAt), desc(enrolmentTokens.id))
    .limit(limit + 1);
  const page = rows.slice(0, limit);
  const used =
    page.length === 0
      ? []
      : await serversOf(
          ctx,
          page.map((row) => row.id),
        );
  const last = rows.length > limit ? page.at(-1) : undefined;
  return {
    items: page.map((row) =>
      toApiToken(
        row,
        used
          .filter(({ tokenId }) => tokenId === row.id)
          .slice(0, maxServerIds)
          .map(({ serverId }) => serverId),
      ),
    ),
    nextCursor: last === undefined ? null : Buffer.from(`${last.createdAt.toISOString()} ${last.id}`).toString("base64url"),
  };
}

/** Servers that enrolled with these tokens, newest first, each once: a renewed certificate keeps the token of the first. */
async function serversOf(ctx: Context, tokenIds: string[]): Promise<{ tokenId: string | null; serverId: string }[]> {
  const rows = await ctx.db
    .selectDistinctOn([agentIdentities.tokenId, agentIdentities.serverId], {
      tokenId: agentIdentities.tokenId,
      serverId: agentIdentities.serverId,
      issuedAt: agentIdentities.issuedAt,
    })
    .from(agentIdentities)
    .where(inArray(agentIdentities.tokenId, tokenIds))
    .orderBy(agentIdentities.tokenId, agentIdentities.serverId, agentIdentities.issuedAt);
  return rows.toSorted((a, b) => b.issuedAt.getTime() - a.issuedAt.getTime());
}

function readCursor(cursor: string): { at: Date; id: string } {
  const [time = "", id = ""] = Buffer.from(cursor, "base64url").toString().split(" ");
  const at = new Date(time);
  if (Number.isNaN(at.getTime()) || !/^[0-9a-f-]{36}$/.test(id))
    throw new AppError("invalid", "cursor: expected nextCursor of an earlier page; leave it out to begin at the first");
  return { at, id };
}
