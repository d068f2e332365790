import { createHash, randomBytes, randomUUID } from "node:crypto";
import { and, eq, gt, like, lt, or } from "drizzle-orm";
import { verifications } from "../../../platform/auth/schema.ts";
import type { Context } from "../../../platform/context.ts";
import type { Database } from "../../../platform/db/index.ts";

/** What a link of a mail is for. */
export type Purpose = "password-reset" | "email";

const identifierOf = (purpose: Purpose, userId: string, secret: string) =>
  `${purpose}:${userId}:${createHash("sha256").update(secret).digest("hex")}`;

/**
 * A token for a link, good once; only its SHA-256 is kept. Earlier ones of the same purpose and user end.
 * @param value what comes back with it
 */
export async function makeOneTime(
  tx: Pick<Database, "insert" | "delete">,
  ctx: Pick<Context, "clock">,
  purpose: Purpose,
  { userId, value, validMs }: { userId: string; value: string; validMs: number },
): Promise<string> {
  const secret = randomBytes(32).toString("base64url");
  await endOneTime(tx, ctx, purpose, userId);
  await tx.insert(verifications).values({
    id: randomUUID(),
    identifier: identifierOf(purpose, userId, secret),
    value,
    expiresAt: new Date(ctx.clock.now() + validMs),
  });
  return `${userId}.${secret}`;
}

/** Uses a token up; null when it is wrong, late or was used before. Pass the transaction of what it allows. */
export async function takeOneTime(
  tx: Pick<Database, "delete">,
  ctx: Pick<Context, "clock">,
  purpose: Purpose,
  token: string,
): Promise<{ userId: string; value: string } | null> {
  const dot = token.lastIndexOf(".");
  const userId = token.slice(0, Math.max(dot, 0));
  const identifier = identifierOf(purpose, userId, token.slice(dot + 1));
  const [row] = await tx
    .delete(verifications)
    .where(and(eq(verifications.identifier, identifier), gt(verifications.expiresAt, new Date(ctx.clock.now()))))
    .returning({ value: verifications.value });
  return row === undefined ? null : { userId, value: row.value };
}

/** Ends a user's tokens of a purpose, and everybody's that are over. */
export async function endOneTime(
  tx: Pick<Database, "delete">,
  ctx: Pick<Context, "clock">,
  purpose: Purpose,
  userId: string,
): Promise<void> {
  const own = like(verifications.identifier, `${purpose}:${userId.replaceAll(/[\\%_]/g, "\\$&")}:%`);
  const over = and(like(verifications.identifier, `${purpose}:%`), lt(verifications.expiresAt, new Date(ctx.clock.now())));
  await tx.delete(verifications).where(or(own, over));
}
