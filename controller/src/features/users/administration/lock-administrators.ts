import { AppError } from "@devflow/errors";
import { and, count, eq, isNull, sql } from "drizzle-orm";
import type { Principal } from "../../../platform/auth/index.ts";
import { memberships, users } from "../../../platform/auth/schema.ts";
import type { Database } from "../../../platform/db/index.ts";

type User = typeof users.$inferSelect;

/**
 * First step of what administrators of the installation do to a user: such changes go one after the other, and each
 * decides by what holds after the one before. Two administrators who remove each other at once cannot both succeed.
 * Returns the user. Throws AppError forbidden when the principal lost the office meanwhile, not_found.
 */
export async function lockAdministrators(tx: Database, principal: Principal, userId: string): Promise<User> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended('administrators of the installation', 0))`);
  if (principal.userId !== null) {
    const [self] = await tx
      .select({ id: users.id })
      .from(users)
      .where(and(eq(users.id, principal.userId), inOffice()));
    if (self === undefined) throw new AppError("forbidden", "You are not an administrator of the installation any more");
  }
  const [user] = await tx.select().from(users).where(eq(users.id, userId)).for("update");
  if (user === undefined) throw new AppError("not_found", "There is no user with this id");
  return user;
}

const inOffice = () => and(eq(users.installationAdministrator, true), isNull(users.disabledAt));

/** Last step of what may take an administrator away. Throws AppError conflict when none would be left. */
export async function keepAdministrator(tx: Pick<Database, "select">, before: User): Promise<void> {
  if (!before.installationAdministrator || before.disabledAt !== null) return;
  const [row] = await tx.select({ left: count() }).from(users).where(inOffice());
  if ((row?.left ?? 0) === 0)
    throw new AppError("conflict", "The installation needs an administrator, and this is the last one; make somebody else one first");
}

/** The organisations of a user, where what happens to the account is told. */
export async function organizationsOf(tx: Pick<Database, "select">, userId: string): Promise<string[]> {
  const rows = await tx.select({ id: memberships.organizationId }).from(memberships).where(eq(memberships.userId, userId));
  return rows.map(({ id }) => id);
}
