import { randomUUID } from "node:crypto";
import { and, eq } from "drizzle-orm";
import { accounts, sessions } from "../../../platform/auth/schema.ts";
import type { Context } from "../../../platform/context.ts";
import type { Database } from "../../../platform/db/index.ts";
import { cliLogins } from "../../cli/schema.ts";
import { endOneTime } from "../email/one-time.ts";

/**
 * Writes a user's new password and ends all sessions, and what was begun with one and is still to come: programs that
 * were let in and have not collected their token, links to another address or password. Emit "principal.revoked" after
 * the commit.
 */
export async function storePassword(
  tx: Pick<Database, "update" | "insert" | "delete">,
  ctx: Pick<Context, "clock">,
  userId: string,
  passwordHash: string,
): Promise<void> {
  const updated = await tx
    .update(accounts)
    .set({ password: passwordHash, updatedAt: new Date(ctx.clock.now()) })
    .where(and(eq(accounts.userId, userId), eq(accounts.providerId, "credential")))
    .returning({ id: accounts.id });
  // Whoever came by a provider has none yet.
  if (updated.length === 0)
    await tx.insert(accounts).values({ id: randomUUID(), accountId: userId, providerId: "credential", userId, password: passwordHash });
  await tx.delete(sessions).where(eq(sessions.userId, userId));
  await tx.delete(cliLogins).where(eq(cliLogins.confirmedBy, userId));
  await endOneTime(tx, ctx, "email", userId);
  await endOneTime(tx, ctx, "password-reset", userId);
}
