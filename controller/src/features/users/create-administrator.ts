import { randomUUID } from "node:crypto";
import { writeAudit } from "../../platform/audit/index.ts";
import { accounts, grants, memberships, users } from "../../platform/auth/schema.ts";
import { type Principal, roleAccess } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";
import type { Database } from "../../platform/db/index.ts";

export interface NewAdministrator {
  readonly name: string;
  readonly email: string;
  readonly passwordHash: string;
  readonly address: string | null;
  readonly requestId: string;
}

/** Writes the first user, who owns the default organisation and administers the installation, in the caller's transaction. Returns the user's id. */
export async function createAdministrator(tx: Pick<Database, "insert">, ctx: Context, input: NewAdministrator): Promise<string> {
  const id = randomUUID();
  const email = input.email.toLowerCase();
  const organizationId = ctx.installation.defaultOrganizationId;
  await tx.insert(users).values({ id, name: input.name, email, emailVerified: true, installationAdministrator: true });
  await tx.insert(accounts).values({ id: randomUUID(), accountId: id, providerId: "credential", userId: id, password: input.passwordHash });
  await tx.insert(memberships).values({ organizationId, userId: id });
  await tx
    .insert(grants)
    .values({ organizationId, principalKind: "user", principalId: id, role: "owner", scopeKind: "organization", scopeId: organizationId });
  const principal: Principal = {
    kind: "system",
    id: "setup",
    name: "first start",
    organizationId,
    userId: null,
    access: roleAccess("owner", organizationId),
    address: input.address,
    requestId: input.requestId,
  };
  await writeAudit(tx, principal, { action: "users.create", targetKind: "user", targetId: id, after: { email, role: "owner" } });
  return id;
}
