import type { AuditEntry, auditListQuery } from "@devflow/api";
import { AppError } from "@devflow/errors";
import type { z } from "zod";
import type { Principal } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";
import { type Page, readCursor, writeCursor } from "../../platform/http/cursor.ts";
import { readAuditRows, toEntry } from "./audit-rows.ts";

/** The organisation's audit log, newest first, 50 a page by default. Throws AppError invalid for a cursor of another list. */
export async function listAudit({
  ctx,
  principal,
  input: { cursor, limit = 50, ...filters },
}: {
  ctx: Context;
  principal: Principal;
  input: z.output<typeof auditListQuery>;
}): Promise<Page<AuditEntry>> {
  const before = readCursor(cursor, ["number"])?.[0] ?? null;
  if (before !== null && !Number.isSafeInteger(before))
    throw new AppError("invalid", "cursor: expected the nextCursor of an earlier answer to the same list");
  const rows = await readAuditRows(ctx, principal.organizationId, filters, { before, limit: limit + 1 });
  const items = rows.slice(0, limit).map(toEntry);
  return { items, nextCursor: rows.length > limit ? writeCursor([items.at(-1)!.sequence]) : null };
}
