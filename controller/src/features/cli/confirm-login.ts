import { type ConfirmCliLogin, permissionsOf } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { and, eq, isNull } from "drizzle-orm";
import { writeAudit } from "../../platform/audit/index.ts";
import { holdsSomewhere, type Principal } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";
import { waitingLogin } from "./find-login.ts";
import type { LoginLimits } from "./limits.ts";
import { cliLogins } from "./schema.ts";

interface Args<Input> {
  ctx: Context;
  limits: LoginLimits;
  principal: Principal;
  input: Input;
}

/**
 * Lets a waiting program collect a token of this person. Throws as waitingLogin; AppError conflict when the program asked from another
 * address than was shown, forbidden for a role above the person's own.
 */
export async function confirmLogin({ ctx, limits, principal, input }: Args<ConfirmCliLogin>): Promise<void> {
  const { row } = await waitingLogin(ctx, limits, principal, input.userCode);
  if (row.address !== input.address)
    throw new AppError("conflict", "The program asked from another address than the one that was shown; load the page again and compare");
  const missing = permissionsOf(input.role).find((permission) => !holdsSomewhere(principal.access, permission));
  if (missing !== undefined) throw new AppError("forbidden", `The role "${input.role}" has "${missing}"; you do not and cannot give it`);
  const after = {
    client: row.client,
    address: row.address,
    name: input.name,
    role: input.role,
    expiresInDays: input.expiresInDays,
  };
  await answer(ctx, principal, row.id, "cli.confirm", after, {
    confirmedBy: principal.id,
    organizationId: principal.organizationId,
    tokenName: input.name,
    tokenRole: input.role,
    tokenDays: input.expiresInDays,
  });
}

/** Turns a waiting program away. Throws as waitingLogin. */
export async function denyLogin({ ctx, limits, principal, input }: Args<{ userCode: string }>): Promise<void> {
  const { row } = await waitingLogin(ctx, limits, principal, input.userCode);
  await answer(ctx, principal, row.id, "cli.deny", { client: row.client, address: row.address }, { deniedAt: new Date(ctx.clock.now()) });
}

async function answer(
  ctx: Context,
  principal: Principal,
  id: string,
  action: string,
  after: object,
  values: Partial<typeof cliLogins.$inferInsert>,
): Promise<void> {
  await ctx.db.transaction(async (tx) => {
    const answered = await tx
      .update(cliLogins)
      .set(values)
      .where(and(eq(cliLogins.id, id), isNull(cliLogins.confirmedBy), isNull(cliLogins.deniedAt)))
      .returning({ id: cliLogins.id });
    // Two answers at the same moment: the first one holds.
    if (answered.length === 0) throw new AppError("conflict", "This program was answered already");
    await writeAudit(tx, principal, { action, targetKind: "cli-login", targetId: id, after });
  });
}
