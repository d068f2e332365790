import { type CollectedCliLogin, permissionsOf, type Role, roles } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { and, eq, gt, isNotNull } from "drizzle-orm";
import { users } from "../../platform/auth/schema.ts";
import { holdsSomewhere, strongestRole } from "../../platform/auth/index.ts";
import { loadMembership } from "../../platform/auth/load-access.ts";
import type { Context } from "../../platform/context.ts";
import { createToken } from "../tokens/index.ts";
import { intervalSeconds } from "./begin-login.ts";
import { codeHash } from "./codes.ts";
import type { LoginLimits } from "./limits.ts";
import { cliLogins } from "./schema.ts";

interface Input {
  deviceCode: string;
  address: string | null;
  requestId: string;
}

/**
 * Gives the program its token, once: the row goes first, so that of two attempts at the same time one gets it. The
 * token is made now and not when it was confirmed, so that no secret ever waits in the database.
 * Throws AppError not_found (unknown, expired, collected), forbidden (denied, or whoever confirmed has no role left).
 */
export async function collectLogin({
  ctx,
  limits,
  input,
}: {
  ctx: Context;
  limits: LoginLimits;
  input: Input;
}): Promise<CollectedCliLogin> {
  await limits.mayCollect(input.address);
  const waiting = and(
    eq(cliLogins.deviceCodeHash, codeHash(ctx.masterKey, "device", input.deviceCode)),
    gt(cliLogins.expiresAt, new Date(ctx.clock.now())),
  );
  const [row] = await ctx.db.select({ deniedAt: cliLogins.deniedAt, confirmedBy: cliLogins.confirmedBy }).from(cliLogins).where(waiting);
  const gone = new AppError("not_found", "This sign-in has expired or was collected already; begin again");
  if (row === undefined) {
    await limits.unknownDevice(input.address);
    throw gone;
  }
  const denied = new AppError("forbidden", "The sign-in was turned down in the browser");
  if (row.deniedAt !== null) throw denied;
  if (row.confirmedBy === null) return { state: "pending", intervalSeconds };
  const [taken] = await ctx.db
    .delete(cliLogins)
    .where(and(waiting, isNotNull(cliLogins.confirmedBy)))
    .returning();
  if (taken?.confirmedBy == null || taken.organizationId === null) throw gone;
  const { organizationId, confirmedBy } = taken;
  const [maker] = await ctx.db.select({ email: users.email }).from(users).where(eq(users.id, confirmedBy));
  const membership = await loadMembership(ctx, confirmedBy, organizationId);
  const gaveUp = new AppError("forbidden", "Whoever confirmed this sign-in has no role here any more");
  if (maker === undefined || membership?.organizationId !== organizationId) throw gaveUp;
  const access = { ...membership, bound: null };
  // What was confirmed, or less when the person may do less by now.
  const wanted = roles.indexOf(taken.tokenRole as Role);
  const own = strongestRole(access);
  const role = roles
    .slice(0, Math.min(wanted, own === null ? wanted : roles.indexOf(own)) + 1)
    .findLast((name) => permissionsOf(name).every((permission) => holdsSomewhere(access, permission)));
  if (role === undefined) throw gaveUp;
  const made = await createToken({
    ctx,
    principal: {
      kind: "user",
      id: confirmedBy,
      name: maker.email,
      organizationId,
      userId: confirmedBy,
      access,
      address: input.address,
      requestId: input.requestId,
    },
    input: {
      name: taken.tokenName ?? taken.client,
      role,
      expiresInDays: taken.tokenDays,
    },
  });
  return { state: "done", ...made };
}
