import { AppError } from "@devflow/errors";
import { and, eq, isNull, or } from "drizzle-orm";
import type { Identity } from "../../../platform/auth/index.ts";
import { memberships, organizations, sessions } from "../../../platform/auth/schema.ts";
import type { Context } from "../../../platform/context.ts";
import { isOwnerSql } from "../grants/keep-owner.ts";

/**
 * Makes a session work in another organisation of its user. Its open connections end, so that nothing of the one
 * before is shown as if it were of this one. Throws AppError forbidden for API tokens, which belong to one
 * organisation, and not_found for an organisation that the user has no way into.
 */
export async function switchOrganization({
  ctx,
  input: { identity, organizationId },
}: {
  ctx: Context;
  input: { identity: Identity; organizationId: string };
}): Promise<void> {
  const { sessionId } = identity;
  if (identity.kind !== "user" || sessionId === null)
    throw new AppError("forbidden", "An API token belongs to the organisation that it was made in; make one there");
  const [membership] = await ctx.db
    .select({ id: organizations.id })
    .from(memberships)
    .innerJoin(organizations, eq(organizations.id, memberships.organizationId))
    .where(
      and(
        eq(memberships.organizationId, organizationId),
        eq(memberships.userId, identity.id),
        or(isNull(organizations.deleteAfter), isOwnerSql(organizationId, identity.id)),
      ),
    );
  if (membership === undefined) throw new AppError("not_found", "You belong to no such organisation");
  await ctx.db.update(sessions).set({ organizationId }).where(eq(sessions.id, sessionId));
  ctx.bus.emit("principal.revoked", { kind: "session", id: sessionId });
}
