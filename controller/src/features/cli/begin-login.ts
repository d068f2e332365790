import type { BeginCliLogin, BegunCliLogin } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { count, lt } from "drizzle-orm";
import type { Context } from "../../platform/context.ts";
import { codeHash, newDeviceCode, newUserCode } from "./codes.ts";
import { cliLogins } from "./schema.ts";

const validMs = 10 * 60_000;
export const intervalSeconds = 2;
/** Strangers may begin logins, so there is an end to how many wait at a time. */
const maxWaiting = 1_000;

/**
 * Begins the sign-in of a program; valid for 10 minutes. Expired ones go at the same time.
 * Throws AppError unavailable while too many wait.
 */
export async function beginLogin({
  ctx,
  input,
}: {
  ctx: Context;
  input: BeginCliLogin & { address: string | null };
}): Promise<BegunCliLogin> {
  const now = ctx.clock.now();
  const expiresAt = new Date(now + validMs);
  await ctx.db.delete(cliLogins).where(lt(cliLogins.expiresAt, new Date(now)));
  const [waiting] = await ctx.db.select({ count: count() }).from(cliLogins);
  if ((waiting?.count ?? 0) >= maxWaiting)
    throw new AppError("unavailable", "Too many sign-ins of programs wait to be confirmed; try again in some minutes, or use an API token");
  const userCode = newUserCode();
  const deviceCode = newDeviceCode();
  await ctx.db.insert(cliLogins).values({
    userCodeHash: codeHash(ctx.masterKey, "user", userCode),
    deviceCodeHash: codeHash(ctx.masterKey, "device", deviceCode),
    client: input.client,
    address: input.address,
    wantedRole: input.role ?? null,
    createdAt: new Date(now),
    expiresAt,
  });
  const path = `/cli-login?code=${userCode}`;
  return {
    deviceCode,
    userCode,
    verificationUrl: ctx.config.publicUrl === null ? path : new URL(path, ctx.config.publicUrl).href,
    expiresAt: expiresAt.toISOString(),
    intervalSeconds,
  };
}
