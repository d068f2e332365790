import { createHash } from "node:crypto";
import { AppError } from "@devflow/errors";
import { and, eq, isNull, lt, or, sql } from "drizzle-orm";
import type { Context } from "../context.ts";
import { idempotencyKeys } from "./schema.ts";

export interface StoredAnswer {
  readonly status: number;
  readonly body: unknown;
}

const keptMs = 24 * 3_600_000;
/** A first request that has not ended after this died with its controller: the next one takes its place. */
const runningMs = 5 * 60_000;

/**
 * Runs `work` once for a key. Answers are stored wrapped by the master key, since they may hold a new token's secret.
 * Errors of the caller (4xx) are answers too; whatever went wrong here leaves the key free for the next attempt.
 * Throws AppError invalid for the same key with another request, conflict while the first one runs.
 * @param principal "user:ID" or "token:ID"
 * @param request what makes two requests the same: method, path, query and body
 */
export async function withIdempotencyKey(
  ctx: Context,
  owner: { organizationId: string; principal: string },
  key: string,
  request: readonly (string | Uint8Array)[],
  work: () => Promise<StoredAnswer>,
): Promise<StoredAnswer & { replayed: boolean }> {
  if (!/^[\x21-\x7e]{1,255}$/.test(key)) throw new AppError("invalid", "Idempotency-Key: expected 1 to 255 visible ASCII characters");
  const hash = createHash("sha256");
  for (const part of request) hash.update(`${part.length}:`).update(part);
  const requestHash = hash.digest("hex");
  const name = `idempotency:${owner.organizationId}:${owner.principal}:${key}`;
  const row = and(
    eq(idempotencyKeys.organizationId, owner.organizationId),
    eq(idempotencyKeys.principal, owner.principal),
    eq(idempotencyKeys.key, key),
  );
  const before = (ms: number) => new Date(ctx.clock.now() - ms);

  await ctx.db
    .delete(idempotencyKeys)
    .where(
      and(
        row,
        or(
          lt(idempotencyKeys.createdAt, before(keptMs)),
          and(isNull(idempotencyKeys.status), lt(idempotencyKeys.createdAt, before(runningMs))),
        ),
      ),
    );
  const claimed = await ctx.db
    .insert(idempotencyKeys)
    .values({ ...owner, key, requestHash, createdAt: before(0) })
    .onConflictDoNothing()
    .returning({ key: idempotencyKeys.key });
  if (claimed.length === 0) {
    const [stored] = await ctx.db.select().from(idempotencyKeys).where(row);
    if (stored !== undefined && stored.requestHash !== requestHash) {
      throw new AppError("invalid", "This Idempotency-Key was used with another request; take a new one");
    }
    if (stored === undefined || stored.status === null) {
      throw new AppError("conflict", "The first request with this Idempotency-Key is still running; ask again in a moment", {
        retryable: true,
      });
    }
    const body: unknown = JSON.parse(ctx.masterKey.unwrap(name, Buffer.from(stored.body as string, "base64")).toString());
    return { status: stored.status, body, replayed: true };
  }
  try {
    const answer = await work();
    if (answer.status >= 500) await ctx.db.delete(idempotencyKeys).where(row);
    else {
      const body = ctx.masterKey.wrap(name, Buffer.from(JSON.stringify(answer.body ?? null))).toString("base64");
      await ctx.db
        .update(idempotencyKeys)
        .set({ status: answer.status, body: sql`to_jsonb(${body}::text)` })
        .where(row);
    }
    return { ...answer, replayed: false };
  } catch (error) {
    await ctx.db.delete(idempotencyKeys).where(row);
    throw error;
  }
}

/** Forgets answers older than 24 h; returns how many. */
export async function purgeIdempotencyKeys(ctx: Context): Promise<number> {
  const gone = await ctx.db
    .delete(idempotencyKeys)
    .where(lt(idempotencyKeys.createdAt, new Date(ctx.clock.now() - keptMs)))
    .returning({ key: idempotencyKeys.key });
  return gone.length;
}
