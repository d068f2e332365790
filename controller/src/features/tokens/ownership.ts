import { and, eq, isNull, type SQL, sql } from "drizzle-orm";
import { holds, type Principal } from "../../platform/auth/index.ts";
import type { Database } from "../../platform/db/index.ts";
import { apiTokens } from "./schema.ts";

/** Whose tokens are the caller's own. */
export interface Owner {
  /** The person behind a session, or behind a token that may manage tokens. */
  readonly userId: string | null;
  readonly serviceAccountId: string | null;
  /** A token that may not manage tokens has itself alone: a leaked one must not end or list the others. */
  readonly tokenId: string | null;
  /** When a token asks: its end, which what it makes shares at the latest. */
  readonly expiresAt: Date | null;
}

export const mayManageTokens = (principal: Principal): boolean => holds(principal.access, "tokens.manage");

/** Who holds what the principal makes and sees. */
export async function findOwner(db: Pick<Database, "select">, principal: Principal): Promise<Owner> {
  if (principal.kind !== "token") return { userId: principal.userId, serviceAccountId: null, tokenId: null, expiresAt: null };
  const [token] = await db.select().from(apiTokens).where(eq(apiTokens.id, principal.id));
  const service = token?.serviceAccountId ?? null;
  return {
    userId: service === null ? principal.userId : null,
    serviceAccountId: service,
    tokenId: mayManageTokens(principal) ? null : principal.id,
    expiresAt: token?.expiresAt ?? null,
  };
}

type Held = Pick<typeof apiTokens.$inferSelect, "id" | "createdBy" | "serviceAccountId">;

/** Whether a token is the caller's own. */
export function ownerOf(token: Held, { userId, serviceAccountId, tokenId }: Owner): boolean {
  if (tokenId !== null) return token.id === tokenId;
  if (serviceAccountId !== null) return token.serviceAccountId === serviceAccountId;
  return userId !== null && token.serviceAccountId === null && token.createdBy === userId;
}

/** The same as a condition. */
export function ownedSql({ userId, serviceAccountId, tokenId }: Owner): SQL | undefined {
  if (tokenId !== null) return eq(apiTokens.id, tokenId);
  if (serviceAccountId !== null) return eq(apiTokens.serviceAccountId, serviceAccountId);
  return userId === null ? sql`false` : and(isNull(apiTokens.serviceAccountId), eq(apiTokens.createdBy, userId));
}
