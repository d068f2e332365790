import { AppError } from "@devflow/errors";
import { eq } from "drizzle-orm";
import type { Principal } from "../../platform/auth/index.ts";
import { users } from "../../platform/auth/schema.ts";
import type { Context } from "../../platform/context.ts";

export type Person = typeof users.$inferSelect;

/** The person behind a session. Throws AppError forbidden for API tokens: factors and sessions are a person's own. */
export async function personOf(ctx: Pick<Context, "db">, principal: Principal): Promise<Person> {
  const [person] = principal.kind === "user" ? await ctx.db.select().from(users).where(eq(users.id, principal.id)) : [];
  if (person === undefined) throw new AppError("forbidden", "This is a person's own: sign in instead of using an API token");
  return person;
}

/** The id of the person behind a session, for things that have ids of their own. Throws AppError not_found for API tokens. */
export function ownerOf(principal: Principal): string {
  if (principal.kind !== "user") throw new AppError("not_found", "There is nothing of yours with this id");
  return principal.id;
}
