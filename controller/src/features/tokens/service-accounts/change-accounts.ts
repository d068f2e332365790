import type { CreateServiceAccount, UpdateServiceAccount } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { and, count, eq, inArray, ne, sql } from "drizzle-orm";
import { writeAudit } from "../../../platform/audit/index.ts";
import type { Principal } from "../../../platform/auth/index.ts";
import { grants, serviceAccounts } from "../../../platform/auth/schema.ts";
import type { Context } from "../../../platform/context.ts";
import type { Database } from "../../../platform/db/index.ts";
import { writeEvent } from "../../../platform/events/index.ts";
import {
  behind,
  givesMore,
  heldBy,
  insertGrants,
  lockOrganization,
  refuseMore,
  resolveGrants,
  standsAbove,
  storedGrants,
  tellRevoked,
  told,
} from "../../organizations/index.ts";
import { apiTokens } from "../schema.ts";

interface Args<Input> {
  ctx: Context;
  principal: Principal;
  input: Input;
}

const maxAccounts = 500;
type Tx = Parameters<Parameters<Database["transaction"]>[0]>[0];

/**
 * Makes a service account; returns its id. Throws AppError forbidden for more than the caller holds, conflict for a
 * name that is taken or too many, invalid for roles or places that are not there.
 */
export async function createAccount({ ctx, principal, input }: Args<CreateServiceAccount>): Promise<string> {
  const { organizationId } = principal;
  return ctx.db.transaction(async (tx) => {
    const { access } = await lockOrganization(tx, principal, "tokens.manage");
    const wanted = await resolveGrants(tx, organizationId, input.grants);
    refuseMore(access, wanted, givesMore);
    await refuseName(tx, organizationId, input.name, null);
    const [existing] = await tx.select({ count: count() }).from(serviceAccounts).where(eq(serviceAccounts.organizationId, organizationId));
    if ((existing?.count ?? 0) >= maxAccounts) throw new AppError("conflict", `There are ${maxAccounts} service accounts already`);
    const [row] = await tx
      .insert(serviceAccounts)
      .values({
        organizationId,
        name: input.name,
        description: input.description ?? "",
        createdBy: principal.userId,
        createdAt: new Date(ctx.clock.now()),
      })
      .returning({ id: serviceAccounts.id });
    const { id } = row!;
    await insertGrants(tx, principal, "service", id, wanted);
    const after = { name: input.name, description: input.description ?? "", grants: told(wanted) };
    await writeAudit(tx, principal, { action: "service-accounts.create", ...target(id), after });
    await writeEvent(tx, principal, { type: "service-account.created", ...about(id, input.name), data: {} });
    return id;
  });
}

/**
 * Changes what is given of a service account; takes effect at once, on open connections of its tokens too. Throws as
 * createAccount, and AppError forbidden for an account that may do more than the caller.
 */
export async function updateAccount({ ctx, principal, input }: Args<UpdateServiceAccount & { accountId: string }>): Promise<void> {
  const { organizationId } = principal;
  const { accountId: id } = input;
  const revoked = await ctx.db.transaction(async (tx) => {
    const { access, account, held } = await lockAccount(tx, principal, id);
    const wanted = input.grants === undefined ? null : await resolveGrants(tx, organizationId, input.grants);
    if (wanted !== null) refuseMore(access, wanted, givesMore);
    if (input.name !== undefined) await refuseName(tx, organizationId, input.name, id);
    const disabledAt =
      input.disabled === undefined ? account.disabledAt : input.disabled ? (account.disabledAt ?? new Date(ctx.clock.now())) : null;
    const next = { name: input.name ?? account.name, description: input.description ?? account.description, disabledAt };
    const seen = ({ name, description, disabledAt: at }: typeof next, list: Parameters<typeof told>[0]) => ({
      name,
      description,
      disabled: at !== null,
      grants: told(list),
    });
    const change = { before: seen(account, held), after: seen(next, wanted ?? held) };
    if (JSON.stringify(change.before) === JSON.stringify(change.after)) return [];
    await tx.update(serviceAccounts).set(next).where(eq(serviceAccounts.id, id));
    if (wanted !== null) {
      await tx.delete(grants).where(and(eq(grants.organizationId, organizationId), heldBy("service", id)));
      await insertGrants(tx, principal, "service", id, wanted);
    }
    await writeAudit(tx, principal, { action: "service-accounts.update", ...target(id), ...change });
    await writeEvent(tx, principal, { type: "service-account.updated", ...about(id, next.name), data: change });
    return behind(tx, [{ principalKind: "service", principalId: id }]);
  });
  tellRevoked(ctx, revoked);
}

/** Deletes a service account with its tokens, which end at once. Throws AppError not_found and forbidden as updateAccount. */
export async function deleteAccount({ ctx, principal, input: { accountId: id } }: Args<{ accountId: string }>): Promise<void> {
  const { organizationId } = principal;
  const revoked = await ctx.db.transaction(async (tx) => {
    const { account } = await lockAccount(tx, principal, id);
    const ended = await behind(tx, [{ principalKind: "service", principalId: id }]);
    const tokens = await tx.select({ id: apiTokens.id }).from(apiTokens).where(eq(apiTokens.serviceAccountId, id));
    const ids = [id, ...tokens.map((token) => token.id)];
    await tx
      .delete(grants)
      .where(
        and(
          eq(grants.organizationId, organizationId),
          inArray(grants.principalKind, ["service", "token"]),
          inArray(grants.principalId, ids),
        ),
      );
    await tx.delete(serviceAccounts).where(eq(serviceAccounts.id, id));
    const before = { name: account.name, tokens: tokens.length };
    await writeAudit(tx, principal, { action: "service-accounts.delete", ...target(id), before });
    await writeEvent(tx, principal, { type: "service-account.deleted", ...about(id, account.name), data: {} });
    return ended;
  });
  tellRevoked(ctx, revoked);
}

const target = (id: string) => ({ targetKind: "service-account", targetId: id });
const about = (id: string, name: string) => ({ subject: { kind: "service-account", id, name } });

/** The account and what it holds, which is no more than the caller holds; nobody changes either until the transaction ends. */
async function lockAccount(tx: Tx, principal: Principal, id: string) {
  const { organizationId } = principal;
  const { access } = await lockOrganization(tx, principal, "tokens.manage");
  const [account] = await tx
    .select()
    .from(serviceAccounts)
    .where(and(eq(serviceAccounts.id, id), eq(serviceAccounts.organizationId, organizationId)))
    .for("update");
  if (account === undefined) throw new AppError("not_found", "There is no such service account");
  const held = await storedGrants(tx, organizationId, heldBy("service", id));
  refuseMore(access, held, standsAbove);
  return { access, account, held };
}

async function refuseName(tx: Tx, organizationId: string, name: string, exceptId: string | null): Promise<void> {
  const [taken] = await tx
    .select({ id: serviceAccounts.id })
    .from(serviceAccounts)
    .where(
      and(
        eq(serviceAccounts.organizationId, organizationId),
        sql`lower(${serviceAccounts.name}) = lower(${name}::text)`,
        exceptId === null ? undefined : ne(serviceAccounts.id, exceptId),
      ),
    );
  if (taken !== undefined) throw new AppError("conflict", `There is a service account called ${name} already`);
}
