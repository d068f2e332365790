import { eq } from "drizzle-orm";
import { writeAudit } from "../../platform/audit/index.ts";
import type { Principal } from "../../platform/auth/index.ts";
import { users } from "../../platform/auth/schema.ts";
import type { Context } from "../../platform/context.ts";
import { personOf } from "./person.ts";

/** Changes the name of whoever asks. Throws AppError forbidden for API tokens. */
export async function updateMe({
  ctx,
  principal,
  input: { name },
}: {
  ctx: Context;
  principal: Principal;
  input: { name: string };
}): Promise<void> {
  const person = await personOf(ctx, principal);
  await ctx.db.transaction(async (tx) => {
    await tx
      .update(users)
      .set({ name, updatedAt: new Date(ctx.clock.now()) })
      .where(eq(users.id, person.id));
    const change = { before: { name: person.name }, after: { name } };
    await writeAudit(tx, principal, { action: "users.rename", targetKind: "user", targetId: person.id, ...change });
  });
}
