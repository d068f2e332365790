import { randomUUID } from "node:crypto";
import { sql } from "drizzle-orm";
import type { Auth } from "../../platform/auth/index.ts";
import { users } from "../../platform/auth/schema.ts";
import type { Context } from "../../platform/context.ts";
import { createAdministrator } from "./create-administrator.ts";
import { setupNeeded } from "./setup-code.ts";

/**
 * Makes the user of DEVFLOW_ADMIN_EMAIL and DEVFLOW_ADMIN_PASSWORD when there is no user yet. A user that exists stays
 * as it is: a setting left behind must not put an old password back. Returns whether one was made.
 */
export async function ensureAdministrator({ ctx, auth }: { ctx: Context; auth: Auth }): Promise<boolean> {
  const { adminEmail: email, adminPassword: password } = ctx.config;
  if (email === null || password === null || !(await setupNeeded(ctx))) return false;
  const passwordHash = await auth.hashPassword(password);
  return ctx.db.transaction(async (tx) => {
    await tx.execute(sql`lock table ${users} in share row exclusive mode`);
    if (!(await setupNeeded({ db: tx }))) return false;
    await createAdministrator(tx, ctx, { name: email.split("@")[0] ?? email, email, passwordHash, address: null, requestId: randomUUID() });
    return true;
  });
}
