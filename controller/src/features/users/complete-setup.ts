import type { SetupRequest } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { sql } from "drizzle-orm";
import type { Auth, Caller } from "../../platform/auth/index.ts";
import { users } from "../../platform/auth/schema.ts";
import type { Context } from "../../platform/context.ts";
import { createAdministrator } from "./create-administrator.ts";
import { checkNewPassword } from "./passwords/check-new-password.ts";
import { consumeSetupCode, isSetupCode, setupNeeded } from "./setup-code.ts";

/**
 * Makes the first administrator. Throws AppError conflict when there is a user already, forbidden for a wrong, used or
 * expired code.
 */
export async function completeSetup({
  ctx,
  auth,
  input,
}: {
  ctx: Context;
  auth: Auth;
  input: SetupRequest & { caller: Caller; requestId: string };
}): Promise<string> {
  if (!(await setupNeeded(ctx))) throw new AppError("conflict", "The first administrator was made already; sign in instead");
  const wrongCode = new AppError("forbidden", "This link is wrong, used or older than a day; restart DevFlow, which prints a new one");
  // Before the password is hashed: that costs a tenth of a second and 19 MiB, which strangers must not be able to ask for.
  if (!(await isSetupCode(ctx, input.code, ctx.clock.now()))) throw wrongCode;
  await checkNewPassword({ ctx, input: { password: input.password, field: "password", person: input } });
  const passwordHash = await auth.hashPassword(input.password);
  return ctx.db.transaction(async (tx) => {
    // Two requests at once must not make two first administrators.
    await tx.execute(sql`lock table ${users} in share row exclusive mode`);
    if (!(await setupNeeded({ db: tx }))) throw new AppError("conflict", "The first administrator was made already; sign in instead");
    if (!(await consumeSetupCode(tx, input.code, ctx.clock.now()))) throw wrongCode;
    return createAdministrator(tx, ctx, { ...input, passwordHash, address: input.caller.address });
  });
}
