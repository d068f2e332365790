import type { UserSession } from "@devflow/api";
import { AppError } from "@devflow/errors";
import Bowser from "bowser";
import { and, desc, eq, gt, ne } from "drizzle-orm";
import { writeAudit } from "../../../platform/audit/index.ts";
import type { Identity, Principal } from "../../../platform/auth/index.ts";
import { sessions } from "../../../platform/auth/schema.ts";
import type { Context } from "../../../platform/context.ts";
import { ownerOf, personOf } from "../person.ts";

interface By {
  ctx: Context;
  principal: Principal;
}

/** "Firefox 128 on Linux"; programs as they call themselves. */
export function browserWords(userAgent: string | null): string {
  if (userAgent === null || userAgent.trim() === "") return "Unknown program";
  const { browser, os } = Bowser.parse(userAgent);
  if (browser.name === undefined || browser.name === "") return userAgent.split(/[\s;(]/)[0]!.slice(0, 60);
  const version = browser.version?.split(".")[0];
  const name = version === undefined ? browser.name : `${browser.name} ${version}`;
  return os.name === undefined ? name : `${name} on ${os.name}`;
}

/** The sessions of whoever asks, the last used first. */
export async function listSessions({
  ctx,
  principal,
  identity,
}: By & { identity: Identity }): Promise<{ items: UserSession[]; nextCursor: null }> {
  const { id } = await personOf(ctx, principal);
  const rows = await ctx.db
    .select()
    .from(sessions)
    .where(and(eq(sessions.userId, id), gt(sessions.expiresAt, new Date(ctx.clock.now()))))
    .orderBy(desc(sessions.lastUsedAt), desc(sessions.createdAt))
    .limit(500);
  const items = rows.map((row) => ({
    id: row.id,
    browser: browserWords(row.userAgent),
    address: row.lastUsedAddress ?? (row.ipAddress === "" ? null : row.ipAddress),
    createdAt: row.createdAt.toISOString(),
    lastUsedAt: (row.lastUsedAt ?? row.updatedAt).toISOString(),
    current: row.id === identity.sessionId,
  }));
  return { items, nextCursor: null };
}

/** Ends one session of whoever asks, with its live sockets. Throws AppError not_found. */
export async function revokeSession({ ctx, principal, input: { id } }: By & { input: { id: string } }): Promise<void> {
  const userId = ownerOf(principal);
  await ctx.db.transaction(async (tx) => {
    const [gone] = await tx
      .delete(sessions)
      .where(and(eq(sessions.id, id), eq(sessions.userId, userId)))
      .returning();
    if (gone === undefined) throw new AppError("not_found", "You have no session with this id");
    const before = { browser: browserWords(gone.userAgent), address: gone.ipAddress };
    await writeAudit(tx, principal, { action: "users.revoke-session", targetKind: "session", targetId: id, before });
  });
  ctx.bus.emit("principal.revoked", { kind: "session", id });
}

/** Ends all sessions of whoever asks but the one that asks. Returns how many. */
export async function revokeOtherSessions({ ctx, principal, identity }: By & { identity: Identity }): Promise<{ revoked: number }> {
  const { id: userId } = await personOf(ctx, principal);
  const gone = await ctx.db.transaction(async (tx) => {
    const ended = await tx
      .delete(sessions)
      .where(and(eq(sessions.userId, userId), ne(sessions.id, identity.sessionId ?? "")))
      .returning({ id: sessions.id });
    await writeAudit(tx, principal, {
      action: "users.revoke-sessions",
      targetKind: "user",
      targetId: userId,
      after: { revoked: ended.length },
    });
    return ended;
  });
  for (const { id } of gone) ctx.bus.emit("principal.revoked", { kind: "session", id });
  return { revoked: gone.length };
}
