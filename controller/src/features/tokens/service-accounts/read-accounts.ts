import type { ServiceAccount } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { and, asc, eq, sql } from "drizzle-orm";
import type { Principal, Scope } from "../../../platform/auth/index.ts";
import { serviceAccounts } from "../../../platform/auth/schema.ts";
import type { Context } from "../../../platform/context.ts";
import { type Page, readCursor, writeCursor } from "../../../platform/http/cursor.ts";
import { selectAccounts, viewAccounts } from "./view.ts";

interface Input {
  cursor?: string | undefined;
  limit?: number | undefined;
}

/** Service accounts by name. Throws AppError invalid for a foreign cursor. */
export async function listAccounts({
  ctx,
  principal,
  input,
}: {
  ctx: Context;
  principal: Principal;
  input: Input;
}): Promise<Page<ServiceAccount>> {
  const limit = input.limit ?? 50;
  const after = readCursor(input.cursor, ["string", "string"]);
  const rows = await selectAccounts(
    ctx.db,
    and(
      eq(serviceAccounts.organizationId, principal.organizationId),
      after === null ? undefined : sql`(${serviceAccounts.name}, ${serviceAccounts.id}) > (${after[0]}::text, ${after[1]}::uuid)`,
    ),
    new Date(ctx.clock.now()),
  )
    .orderBy(asc(serviceAccounts.name), asc(serviceAccounts.id))
    .limit(limit + 1);
  const page = rows.slice(0, limit);
  const last = page.at(-1)?.account;
  return {
    items: await viewAccounts(ctx.db, principal, page),
    nextCursor: rows.length > limit && last !== undefined ? writeCursor([last.name, last.id]) : null,
  };
}

/** One service account. Throws AppError not_found. */
export async function getAccount({
  ctx,
  principal,
  input: { accountId },
}: {
  ctx: Context;
  principal: Principal;
  input: { accountId: string };
}): Promise<ServiceAccount> {
  const mine = and(eq(serviceAccounts.id, accountId), eq(serviceAccounts.organizationId, principal.organizationId));
  const [account] = await viewAccounts(ctx.db, principal, await selectAccounts(ctx.db, mine, new Date(ctx.clock.now())));
  if (account === undefined) throw new AppError("not_found", "There is no such service account");
  return account;
}

/** Where a service account belongs; null when it is not there. */
export async function accountScope(ctx: Context, accountId: string): Promise<Scope | null> {
  const [row] = await ctx.db
    .select({ organizationId: serviceAccounts.organizationId })
    .from(serviceAccounts)
    .where(eq(serviceAccounts.id, accountId));
  return row ?? null;
}
