import type { GrantScope, Holder } from "@devflow/api";
import { inArray } from "drizzle-orm";
import type { Principal } from "../../../platform/auth/index.ts";
import { serviceAccounts, teams, users } from "../../../platform/auth/schema.ts";
import type { Database } from "../../../platform/db/index.ts";
import { apiTokens } from "../../tokens/schema.ts";
import { mayChange } from "./rules.ts";
import { heldOver, type PrincipalKind, storedGrants, type StoredGrant } from "./stored.ts";

/** Who holds a role over one thing itself; who reaches it by a wider role is not in the list. */
export async function holdersOver(
  db: Pick<Database, "select">,
  principal: Principal,
  kind: GrantScope["kind"],
  id: string,
): Promise<Holder[]> {
  const list = await storedGrants(db, principal.organizationId, heldOver(kind, id));
  const names = await namesOf(db, list);
  return list.map((grant) => ({
    principal: { kind: grant.principalKind, id: grant.principalId, name: names.get(grant.principalId) ?? "" },
    role: grant.role ?? grant.roleId!,
    roleName: grant.roleName,
    mayChange: mayChange(principal.access, [grant]),
  }));
}

/** Names of the principals of these grants, by id. */
export async function namesOf(db: Pick<Database, "select">, list: readonly StoredGrant[]): Promise<Map<string, string>> {
  const ids = (kind: PrincipalKind) => list.filter(({ principalKind }) => principalKind === kind).map(({ principalId }) => principalId);
  const named = (
    await Promise.all([
      read(ids("user"), (some) => db.select({ id: users.id, name: users.name }).from(users).where(inArray(users.id, some))),
      read(ids("team"), (some) => db.select({ id: teams.id, name: teams.name }).from(teams).where(inArray(teams.id, some))),
      read(ids("service"), (some) =>
        db.select({ id: serviceAccounts.id, name: serviceAccounts.name }).from(serviceAccounts).where(inArray(serviceAccounts.id, some)),
      ),
      read(ids("token"), (some) =>
        db.select({ id: apiTokens.id, name: apiTokens.name }).from(apiTokens).where(inArray(apiTokens.id, some)),
      ),
    ])
  ).flat();
  return new Map(named.map(({ id, name }) => [id, name]));
}

const read = async <T>(ids: string[], find: (ids: string[]) => PromiseLike<T[]>): Promise<T[]> => (ids.length === 0 ? [] : find(ids));
