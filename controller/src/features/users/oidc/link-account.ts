import { randomUUID } from "node:crypto";
import { AppError } from "@devflow/errors";
import { and, eq, ne } from "drizzle-orm";
import type { Principal } from "../../../platform/auth/index.ts";
import { accounts } from "../../../platform/auth/schema.ts";
import type { Context } from "../../../platform/context.ts";
import { demandOtherWayIn } from "../factors.ts";
import { ownerOf, personOf } from "../person.ts";
import { tellOfChange } from "../tell-of-change.ts";
import { providerId } from "./find-user.ts";
import type { ProviderUser } from "./flow.ts";

interface By {
  ctx: Context;
  principal: Principal;
}

const ofProvider = ({ issuer, subject }: ProviderUser) => and(eq(accounts.providerId, providerId(issuer)), eq(accounts.accountId, subject));

/** Links the provider's account to whoever asks. Throws AppError conflict when it is somebody else's. */
export async function linkAccount({ ctx, principal, input: { user } }: By & { input: { user: ProviderUser } }): Promise<void> {
  const person = await personOf(ctx, principal);
  await ctx.db.transaction(async (tx) => {
    const [present] = await tx.select({ userId: accounts.userId }).from(accounts).where(ofProvider(user));
    if (present?.userId === person.id) return;
    if (present !== undefined) throw new AppError("conflict", "This account of the provider is linked to another user");
    await tx.insert(accounts).values({ id: randomUUID(), providerId: providerId(user.issuer), accountId: user.subject, userId: person.id });
    await tellOfChange(tx, ctx, principal, person, {
      action: "users.link-provider",
      event: { type: "user.factor-changed", data: { factor: "oidc", added: true } },
      after: { issuer: user.issuer },
      notice: "An account of an OpenID provider was linked to yours",
    });
  });
  ctx.bus.emit("mail.queued", {});
}

/** Whether the provider's account is linked to that user. */
export async function isLinked(ctx: Context, userId: string, user: ProviderUser): Promise<boolean> {
  const [present] = await ctx.db.select({ userId: accounts.userId }).from(accounts).where(ofProvider(user));
  return present?.userId === userId;
}

/** Unlinks an account. Throws AppError not_found, or conflict when it is the only way in. */
export async function unlinkAccount({ ctx, principal, input: { id } }: By & { input: { id: string } }): Promise<void> {
  const own = and(eq(accounts.id, id), eq(accounts.userId, ownerOf(principal)), ne(accounts.providerId, "credential"));
  const person = await personOf(ctx, principal);
  await ctx.db.transaction(async (tx) => {
    const [gone] = await tx.delete(accounts).where(own).returning();
    if (gone === undefined) throw new AppError("not_found", "You have no linked account with this id");
    await demandOtherWayIn(tx, person.id);
    await tellOfChange(tx, ctx, principal, person, {
      action: "users.unlink-provider",
      event: { type: "user.factor-changed", data: { factor: "oidc", added: false } },
      before: { issuer: gone.providerId.replace(/^oidc:/, "") },
      notice: "An account of an OpenID provider was unlinked from yours",
    });
  });
  ctx.bus.emit("mail.queued", {});
}
