/** Built-in roles, each with all that the ones before it may. Custom roles are sets of permissions of an organisation's own. */
export const roles = ["view", "deploy", "edit", "admin", "owner"] as const;
export type Role = (typeof roles)[number];

/**
 * What somebody can be allowed to do: the weakest built-in role that has it, whether it can be given for a part of the
 * organisation (a team's things, a server group, a project) or for the whole of it only, and what it means to people.
 * Within "installation": it tells about all organisations together, so that it counts for administrators of the
 * installation and their tokens alone; what it is for is to make such a token narrow.
 */
export const permissionTable = {
  "servers.read": { role: "view", within: "part", meaning: "See servers, their values and their inventory" },
  "servers.edit": { role: "edit", within: "part", meaning: "Rename servers, tag them, put them into groups" },
  "servers.remove": { role: "admin", within: "part", meaning: "Revoke, release and delete servers" },
  "servers.enrol": { role: "admin", within: "part", meaning: "Make tokens that let machines in" },
  "groups.manage": { role: "admin", within: "part", meaning: "Change server groups and who they are shared with" },
  "tags.manage": { role: "edit", within: "organization", meaning: "Rename, colour and remove tags" },
  "views.share": { role: "edit", within: "organization", meaning: "Share saved views with everybody" },
  "metrics.scrape": {
    role: "view",
    within: "installation",
    meaning: "Administrators of the installation: read its own figures at /metrics",
  },
  "events.read": { role: "view", within: "part", meaning: "Read and follow what happened" },
  "members.read": { role: "view", within: "part", meaning: "See members, teams and roles; over a part: its team" },
  "members.manage": { role: "admin", within: "organization", meaning: "Invite and remove members, give and take roles" },
  "teams.manage": { role: "admin", within: "part", meaning: "Make and change teams" },
  "roles.manage": { role: "admin", within: "organization", meaning: "Make and change custom roles" },
  "tokens.manage": { role: "admin", within: "organization", meaning: "Make and revoke API tokens and service accounts of everybody" },
  "webhooks.manage": { role: "admin", within: "organization", meaning: "Send events to other programs" },
  "audit.read": { role: "admin", within: "organization", meaning: "Read, check and export the audit log" },
  "organization.manage": { role: "admin", within: "organization", meaning: "Change the organisation's name and settings" },
  "organization.export": { role: "owner", within: "organization", meaning: "Export everything of the organisation" },
  "organization.delete": { role: "owner", within: "organization", meaning: "Delete the organisation" },
} as const satisfies Record<string, { role: Role; within: "part" | "organization" | "installation"; meaning: string }>;

export type Permission = keyof typeof permissionTable;
export const permissions = Object.keys(permissionTable) as [Permission, ...Permission[]];

/** What the installation's administrators may do beside their organisations: mail, sign-in providers, retention, other organisations. */
export const installationPermission = "installation.manage";

/** All permissions of a built-in role. */
export function permissionsOf(name: Role): readonly Permission[] {
  return permissions.filter((key) => roles.indexOf(permissionTable[key].role) <= roles.indexOf(name));
}
