import type { CliLogin, Role } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { and, eq, gt, isNull } from "drizzle-orm";
import { addressGroup } from "../../platform/address-group.ts";
import type { Principal } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";
import { codeHash, readUserCode } from "./codes.ts";
import type { LoginLimits } from "./limits.ts";
import { cliLogins } from "./schema.ts";

/** Only a person in the browser lets programs in: a token that confirmed another would outlive its own end. */
export function demandPerson(principal: Principal): void {
  if (principal.kind !== "user") throw new AppError("forbidden", "Programs are confirmed by a person who is signed in, not by a token");
}

/**
 * The row that waits under a user code. Throws AppError not_found (wrong, expired, used and answered codes alike),
 * forbidden for tokens, rate_limited after too many wrong ones.
 */
export async function waitingLogin(ctx: Context, limits: LoginLimits, principal: Principal, typed: string) {
  demandPerson(principal);
  await limits.mayGuess(principal.id);
  const userCode = readUserCode(typed);
  const [row] =
    userCode === null
      ? []
      : await ctx.db
          .select()
          .from(cliLogins)
          .where(
            and(
              eq(cliLogins.userCodeHash, codeHash(ctx.masterKey, "user", userCode)),
              gt(cliLogins.expiresAt, new Date(ctx.clock.now())),
              isNull(cliLogins.confirmedBy),
              isNull(cliLogins.deniedAt),
            ),
          );
  if (row === undefined || userCode === null) {
    throw new AppError(
      "not_found",
      "No program waits under this code: it is wrong, older than 10 minutes, or was answered. Begin again in the terminal",
    );
  }
  await limits.rightGuess(principal.id);
  return { row, userCode };
}

/** What waits under a user code, as whoever confirms sees it. Throws as waitingLogin. */
export async function findLogin({
  ctx,
  limits,
  principal,
  input,
}: {
  ctx: Context;
  limits: LoginLimits;
  principal: Principal;
  input: { userCode: string };
}): Promise<CliLogin> {
  const { row, userCode } = await waitingLogin(ctx, limits, principal, input.userCode);
  return {
    userCode,
    client: row.client,
    address: row.address,
    sameAddress: row.address !== null && principal.address !== null && addressGroup(row.address) === addressGroup(principal.address),
    role: row.wantedRole as Role | null,
    createdAt: row.createdAt.toISOString(),
    expiresAt: row.expiresAt.toISOString(),
  };
}
