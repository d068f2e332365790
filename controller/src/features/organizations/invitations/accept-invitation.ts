import { randomUUID } from "node:crypto";
import type { CreateInvitation, FoundInvitation, RegisterByInvitation } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { and, eq, inArray, sql } from "drizzle-orm";
import { writeAudit } from "../../../platform/audit/index.ts";
import { type Auth, type Caller, type Identity, type Principal, roleAccess } from "../../../platform/auth/index.ts";
import { accounts, memberships, organizations, sessions, teamMembers, teams, users } from "../../../platform/auth/schema.ts";
import type { Context } from "../../../platform/context.ts";
import type { Database } from "../../../platform/db/index.ts";
import { writeEvent } from "../../../platform/events/index.ts";
import { firstMissing } from "../grants/rules.ts";
import { resolveGrants, told } from "../grants/resolve.ts";
import { insertGrants } from "../grants/set-grants.ts";
import { heldBy, storedGrants } from "../grants/stored.ts";
import { tellRevoked } from "../grants/tell-revoked.ts";
import { checkNewPassword } from "../../users/index.ts";
import { invitations } from "../schema.ts";
import { codeHash } from "./code.ts";
import { type Inviter, inviterAccess } from "./inviter.ts";
import { invitationViews } from "./list-invitations.ts";
import { refusalFor, stateOf } from "./rules.ts";

type Row = typeof invitations.$inferSelect;

/** One answer for wrong, used, revoked and expired codes alike: nobody learns which were ever good. */
const deadEnd = () => new AppError("not_found", "This invitation is wrong, used, revoked or too old; ask for a new one");

/** What an invitation is, for who holds its code. Throws AppError not_found unless it is open. */
export async function findInvitation({
  ctx,
  input: { code, identity },
}: {
  ctx: Context;
  input: { code: string; identity: Identity | null };
}): Promise<FoundInvitation> {
  const { row, organization } = await openInvitation(ctx.db, code, ctx.clock.now());
  const [view] = await invitationViews(ctx.db, row.organizationId, [row], ctx.clock.now());
  const reason = identity === null ? null : await refusal(ctx.db, row, identity);
  return {
    organization: { name: organization.name },
    email: row.email,
    invitedBy: view!.invitedBy,
    roles: [
      ...view!.grants.map(({ roleName, scope, scopeName }) => (scope.kind === "organization" ? roleName : `${roleName} of ${scopeName}`)),
      ...view!.teams.map(({ name }) => `team ${name}`),
    ],
    expiresAt: view!.expiresAt,
    acceptable: identity?.kind === "user" && reason === null,
    reason,
  };
}

/**
 * Joins the organisation as whoever is signed in; their session works in it from now on.
 * Throws AppError not_found for a dead code, forbidden for whom it is not for and for API tokens, conflict when the
 * inviter may not give so much any more.
 */
export async function acceptInvitation({
  ctx,
  principal,
  input: { code, identity },
}: {
  ctx: Context;
  principal: Principal;
  input: { code: string; identity: Identity };
}): Promise<void> {
  if (identity.kind !== "user") throw new AppError("forbidden", "A person accepts with a session, not with an API token; sign in");
  await ctx.db.transaction(async (tx) => {
    const row = await lockOpen(tx, code, ctx.clock.now());
    const reason = await refusal(tx, row, identity);
    if (reason !== null) throw new AppError("forbidden", reason);
    await join(tx, ctx, row, { userId: identity.id, name: principal.name, address: principal.address, requestId: principal.requestId });
    if (identity.sessionId !== null)
      await tx.update(sessions).set({ organizationId: row.organizationId }).where(eq(sessions.id, identity.sessionId));
  });
  tellRevoked(ctx, [{ kind: "user", id: identity.id }]);
}

/**
 * Makes an account and joins with it; its address counts as verified only when the code reached it by mail alone. An
 * account that is there joins when its password is right, without a session: who belongs nowhere has none to accept with.
 * Throws AppError not_found for a dead code, invalid for another address than the invitation's, conflict for an
 * account with another password.
 */
export async function registerByInvitation({
  ctx,
  auth,
  input,
}: {
  ctx: Context;
  auth: Auth;
  input: RegisterByInvitation & { caller: Caller; requestId: string };
}): Promise<{ userId: string; isNew: boolean }> {
  const email = input.email.toLowerCase();
  const { row: found } = await openInvitation(ctx.db, input.code, ctx.clock.now());
  refuseOtherAddress(found, email);
  const [existing] = await ctx.db.select().from(users).where(eq(users.email, email));
  if (existing !== undefined) return { userId: await joinWithPassword({ ctx, auth, input: { ...input, email } }), isNew: false };
  // After the code was checked: a hash costs a tenth of a second and 19 MiB, which strangers must not be able to ask for.
  await checkNewPassword({ ctx, input: { password: input.password, field: "password", person: { name: input.name, email } } });
  const passwordHash = await auth.hashPassword(input.password);
  return ctx.db.transaction(async (tx) => {
    const row = await lockOpen(tx, input.code, ctx.clock.now());
    refuseOtherAddress(row, email);
    const id = randomUUID();
    const made = await tx
      .insert(users)
      .values({ id, name: input.name, email, emailVerified: row.email !== null && row.mailedAt !== null })
      .onConflictDoNothing()
      .returning({ id: users.id });
    if (made.length === 0) throw hasAccount();
    await tx.insert(accounts).values({ id: randomUUID(), accountId: id, providerId: "credential", userId: id, password: passwordHash });
    await join(tx, ctx, row, { userId: id, name: email, address: input.caller.address, requestId: input.requestId });
    return { userId: id, isNew: true };
  });
}

async function joinWithPassword({
  ctx,
  auth,
  input: { code, email, password, caller, requestId },
}: {
  ctx: Context;
  auth: Auth;
  input: { code: string; email: string; password: string; caller: Caller; requestId: string };
}): Promise<string> {
  const { userId } = await auth.checkPassword(email, password, caller).catch((error: unknown) => {
    throw error instanceof AppError && error.code === "unauthenticated" ? hasAccount() : error;
  });
  await ctx.db.transaction(async (tx) => {
    const row = await lockOpen(tx, code, ctx.clock.now());
    const reason = await refusalOf(tx, row, userId);
    if (reason !== null) throw new AppError("forbidden", reason);
    await join(tx, ctx, row, { userId, name: email, address: caller.address, requestId });
  });
  tellRevoked(ctx, [{ kind: "user", id: userId }]);
  return userId;
}

const hasAccount = () =>
  new AppError("conflict", "This address has an account already: give its password", {
    details: { fields: [{ path: "email", message: "has an account already" }] },
  });

function refuseOtherAddress(row: Row, email: string): void {
  if (row.email !== null && row.email !== email)
    throw new AppError("invalid", `This invitation is for ${row.email}`, {
      details: { fields: [{ path: "email", message: `the invitation is for ${row.email}` }] },
    });
}

async function openInvitation(db: Pick<Database, "select">, code: string, nowMs: number) {
  const [found] = await db
    .select({ row: invitations, organization: organizations })
    .from(invitations)
    .innerJoin(organizations, eq(organizations.id, invitations.organizationId))
    .where(eq(invitations.sha256, codeHash(code)));
  if (found === undefined || stateOf(found.row, nowMs) !== "open" || found.organization.deleteAfter !== null) throw deadEnd();
  return found;
}

/** The invitation, which nobody else uses until the transaction ends; the organisation's grants do not change meanwhile. */
async function lockOpen(tx: Pick<Database, "select">, code: string, nowMs: number): Promise<Row> {
  const { row: found } = await openInvitation(tx, code, nowMs);
  await tx.select({ id: organizations.id }).from(organizations).where(eq(organizations.id, found.organizationId)).for("no key update");
  const [row] = await tx.select().from(invitations).where(eq(invitations.id, found.id)).for("update");
  if (row === undefined || row.sha256 !== found.sha256 || stateOf(row, nowMs) !== "open") throw deadEnd();
  return row;
}

async function refusal(db: Pick<Database, "select">, row: Row, identity: Identity): Promise<string | null> {
  if (identity.kind !== "user") return "A person accepts with a session, not with an API token; sign in";
  return refusalOf(db, row, identity.id);
}

async function refusalOf(db: Pick<Database, "select">, row: Row, userId: string): Promise<string | null> {
  const [user] = await db.select({ email: users.email, emailVerified: users.emailVerified }).from(users).where(eq(users.id, userId));
  const [member] = await db
    .select({ userId: memberships.userId })
    .from(memberships)
    .where(and(eq(memberships.organizationId, row.organizationId), eq(memberships.userId, userId)));
  return refusalFor(row.email, user ?? { email: "", emailVerified: false }, member !== undefined);
}

interface Joining {
  readonly userId: string;
  /** E-mail address. */
  readonly name: string;
  readonly address: string | null;
  readonly requestId: string;
}

async function join(tx: Database, ctx: Context, row: Row, { userId, name, address, requestId }: Joining): Promise<void> {
  const { organizationId } = row;
  const access = await inviterAccess(tx, organizationId, row as Inviter, ctx.clock.now());
  const given = await resolveGrants(tx, organizationId, row.grants as CreateInvitation["grants"]).catch((cause: unknown) => {
    if (!(cause instanceof AppError) || cause.code !== "invalid") throw cause;
    throw new AppError("conflict", "What this invitation was for is gone; ask for a new one", { cause });
  });
  const inTeams =
    row.teamIds.length === 0
      ? []
      : await tx
          .select({ id: teams.id })
          .from(teams)
          .where(and(eq(teams.organizationId, organizationId), inArray(teams.id, row.teamIds)));
  const byTeams = await Promise.all(inTeams.map(({ id }) => storedGrants(tx, organizationId, heldBy("team", id))));
  if (firstMissing(access, [...given, ...byTeams.flat()]) !== null)
    throw new AppError("conflict", "Whoever invited you may not give so much any more; ask for a new invitation");
  await tx.insert(memberships).values({ organizationId, userId });
  const principal: Principal = {
    kind: "user",
    id: userId,
    name,
    organizationId,
    userId,
    access: roleAccess("view", organizationId),
    address,
    requestId,
  };
  await insertGrants(tx, { organizationId, id: row.inviterId }, "user", userId, given);
  for (const { id: teamId } of inTeams) await tx.insert(teamMembers).values({ teamId, organizationId, userId });
  await tx
    .update(invitations)
    .set({ acceptedAt: new Date(ctx.clock.now()), acceptedBy: userId })
    .where(eq(invitations.id, row.id));
  // Two open invitations for one address would let them be used twice.
  await tx
    .update(invitations)
    .set({ revokedAt: sql`now()` })
    .where(
      and(
        eq(invitations.organizationId, organizationId),
        row.email === null ? sql`false` : eq(invitations.email, row.email),
        sql`${invitations.acceptedAt} is null and ${invitations.revokedAt} is null`,
      ),
    );
  await writeEvent(tx, principal, { type: "member.joined", subject: { kind: "user", id: userId, name }, data: {} });
  await writeAudit(tx, principal, {
    action: "invitations.accept",
    targetKind: "invitation",
    targetId: row.id,
    after: { email: name, grants: told(given), teamIds: inTeams.map(({ id }) => id) },
  });
}
