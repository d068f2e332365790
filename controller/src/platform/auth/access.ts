import { type Permission, permissions, permissionsOf, permissionTable, type Role, roles } from "@devflow/api";

/** A role that somebody holds somewhere, resolved to what it allows. */
export interface Grant {
  readonly permissions: ReadonlySet<Permission>;
  /** Name of the built-in role; null for a custom one. */
  readonly role: Role | null;
  readonly scopeKind: "organization" | "team" | "group" | "project";
  readonly scopeId: string;
}

/** What a principal may do within its organisation. */
export interface Access {
  readonly grants: readonly Grant[];
  /** Of a token: what its holder may do at the moment, which bounds the token. Null: nothing beside its own grants. */
  readonly bound: readonly Grant[] | null;
  /** Whether settings of the whole installation may be changed. */
  readonly installationAdministrator: boolean;
  /** Whether the person behind it is an administrator of the installation; absent: as above. A narrow token of theirs differs. */
  readonly ofAdministrator?: boolean;
}

/** Where a thing belongs. Null and absent are the same: it is in no group, owned by no team, part of no project. */
export interface Scope {
  readonly organizationId: string;
  readonly groupId?: string | null;
  /** The team that owns the thing, or the group that it is in. */
  readonly teamId?: string | null;
  readonly projectId?: string | null;
}

/** Everything a built-in role allows in the whole organisation. */
export const roleGrant = (role: Role, organizationId: string): Grant => ({
  permissions: rolePermissions[role],
  role,
  scopeKind: "organization",
  scopeId: organizationId,
});

/** Everything of a built-in role over the whole organisation; for the controller itself and for tests. */
export const roleAccess = (role: Role, organizationId: string): Access => ({
  grants: [roleGrant(role, organizationId)],
  bound: null,
  installationAdministrator: false,
});

/** Permissions by built-in role. */
export const rolePermissions = Object.fromEntries(roles.map((role) => [role, new Set(permissionsOf(role))])) as unknown as Readonly<
  Record<Role, ReadonlySet<Permission>>
>;

/** Whether a grant covers what is at `scope`; undefined: the organisation itself. */
export function grantCovers(grant: Grant, scope: Scope | undefined): boolean {
  if (grant.scopeKind === "organization") return true;
  if (scope === undefined) return false;
  if (grant.scopeKind === "group") return scope.groupId === grant.scopeId;
  if (grant.scopeKind === "team") return scope.teamId === grant.scopeId;
  return scope.projectId === grant.scopeId;
}

const allows = (grants: readonly Grant[], permission: Permission, scope: Scope | undefined) =>
  grants.some((grant) => grant.permissions.has(permission) && grantCovers(grant, scope));

/** Whether a permission counts for access where it is held: what tells about all organisations does for few. */
export const counts = (
  { installationAdministrator, ofAdministrator = installationAdministrator }: Access,
  permission: Permission,
): boolean => ofAdministrator || permissionTable[permission].within !== "installation";

/** Whether access holds a permission at `scope`; undefined: over the whole organisation. */
export function holds({ grants, bound }: Access, permission: Permission, scope?: Scope): boolean {
  return allows(grants, permission, scope) && (bound === null || allows(bound, permission, scope));
}

/** Whether access holds a permission anywhere in the organisation. */
export function holdsSomewhere({ grants, bound }: Access, permission: Permission): boolean {
  const somewhere = (list: readonly Grant[]) => list.some((grant) => grant.permissions.has(permission));
  return somewhere(grants) && (bound === null || somewhere(bound));
}

/** Whether anything at all is allowed at `scope`: only then may its existence be known. */
export function knows({ grants, bound }: Access, scope: Scope): boolean {
  return grants.some((grant) => grantCovers(grant, scope)) && (bound === null || bound.some((grant) => grantCovers(grant, scope)));
}

/** Strongest built-in role over the whole organisation; null for who has parts of it or custom roles only. */
export function strongestRole({ grants, bound }: Access): Role | null {
  const best = (list: readonly Grant[]) =>
    Math.max(-1, ...list.map((g) => (g.scopeKind === "organization" && g.role ? roles.indexOf(g.role) : -1)));
  return roles[Math.min(best(grants), bound === null ? Infinity : best(bound))] ?? null;
}

/** A permission that is held somewhere, and where. */
export interface HeldPermission {
  readonly permission: Permission;
  readonly everywhere: boolean;
  /** Groups that it reaches, by themselves or by the team that owns them; none when it is held everywhere. */
  readonly groupIds: string[];
  /** Teams whose things it reaches. */
  readonly teamIds: string[];
}

/**
 * All permissions that are held somewhere.
 * @param groups of the organisation; only asked for when something is held in parts
 */
export function heldPermissions(access: Access, groups: readonly { id: string; teamId: string | null }[]): HeldPermission[] {
  const teams = new Set([...access.grants, ...(access.bound ?? [])].flatMap((g) => (g.scopeKind === "team" ? [g.scopeId] : [])));
  return permissions
    .filter((permission) => holdsSomewhere(access, permission) && counts(access, permission))
    .map((permission) => {
      if (holds(access, permission)) return { permission, everywhere: true, groupIds: [], teamIds: [] };
      const at = (scope: Omit<Scope, "organizationId">) => holds(access, permission, { organizationId: "", ...scope });
      return {
        permission,
        everywhere: false,
        groupIds: groups.filter(({ id, teamId }) => at({ groupId: id, teamId })).map(({ id }) => id),
        teamIds: [...teams].filter((teamId) => at({ teamId })),
      };
    });
}

/** Whether some permission is held in parts of the organisation only. */
export const heldInParts = (access: Access): boolean =>
  permissions.some((permission) => holdsSomewhere(access, permission) && !holds(access, permission));

/** A part of an organisation: what is in one of the groups or owned by one of the teams, or belongs to one of the projects. */
export interface Part {
  readonly groupIds: readonly string[];
  readonly teamIds: readonly string[];
  readonly projectIds: readonly string[];
}

/**
 * Where a permission is held, for lists: a thing is within reach when it is in each of the parts; no parts at all
 * means the whole organisation. (Two parts: a token's own and its holder's.)
 */
export function reachOf({ grants, bound }: Access, permission: Permission): readonly Part[] {
  return [grants, ...(bound === null ? [] : [bound])].flatMap((list) => {
    const having = list.filter((grant) => grant.permissions.has(permission));
    if (having.some(({ scopeKind }) => scopeKind === "organization")) return [];
    const ids = (kind: Grant["scopeKind"]) => having.filter(({ scopeKind }) => scopeKind === kind).map(({ scopeId }) => scopeId);
    return [{ groupIds: ids("group"), teamIds: ids("team"), projectIds: ids("project") }];
  });
}
