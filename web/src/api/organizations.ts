import type {
  AddTeamMember,
  CreatedInvitation,
  CreateInvitation,
  CreateRole,
  CreateTeam,
  CustomRole,
  FoundInvitation,
  GrantChoice,
  Holder,
  Invitation,
  Member,
  OrganizationList,
  RegisterByInvitation,
  RoleChoice,
  ShareGroup,
  Team,
  TeamDetails,
  UpdateRole,
  UpdateTeam,
} from "@devflow/api";
import { all, call } from "./client.ts";

const v1 = "/api/v1";
const s = encodeURIComponent;
const items = async <T>(path: string): Promise<T[]> => (await call<{ items: T[] }>("GET", path)).items;

/** Organisations, members, teams, roles, invitations and shares: a function a route. */
export const organizations = {
  list: () => call<OrganizationList>("GET", `${v1}/organizations`),
  create: (name: string) => call<{ id: string }>("POST", `${v1}/organizations`, { body: { name } }),
  switchTo: (organizationId: string) => call<unknown>("POST", `${v1}/session/organization`, { body: { organizationId } }),
  rename: (name: string) => call<unknown>("PATCH", `${v1}/organization`, { body: { name } }),
  leave: () => call<unknown>("POST", `${v1}/organization/leave`),
  planDeletion: (name: string) => call<{ deleteAfter: string }>("POST", `${v1}/organization/deletion`, { body: { name } }),
  cancelDeletion: () => call<unknown>("DELETE", `${v1}/organization/deletion`),

  members: () => all<Member>(`${v1}/members`),
  setMemberGrants: (id: string, grants: GrantChoice[]) => call<unknown>("PUT", `${v1}/members/${s(id)}/grants`, { body: { grants } }),
  removeMember: (id: string) => call<unknown>("DELETE", `${v1}/members/${s(id)}`),

  teams: () => items<Team>(`${v1}/teams`),
  team: (id: string) => call<TeamDetails>("GET", `${v1}/teams/${s(id)}`),
  createTeam: (body: CreateTeam) => call<{ id: string }>("POST", `${v1}/teams`, { body }),
  updateTeam: (id: string, body: UpdateTeam) => call<unknown>("PATCH", `${v1}/teams/${s(id)}`, { body }),
  deleteTeam: (id: string) => call<unknown>("DELETE", `${v1}/teams/${s(id)}`),
  addTeamMember: (id: string, body: AddTeamMember) => call<unknown>("POST", `${v1}/teams/${s(id)}/members`, { body }),
  removeTeamMember: (id: string, userId: string) => call<unknown>("DELETE", `${v1}/teams/${s(id)}/members`, { query: { userId } }),
  setTeamGrants: (id: string, grants: GrantChoice[]) => call<unknown>("PUT", `${v1}/teams/${s(id)}/grants`, { body: { grants } }),

  roles: () => items<CustomRole>(`${v1}/roles`),
  createRole: (body: CreateRole) => call<{ id: string }>("POST", `${v1}/roles`, { body }),
  updateRole: (id: string, body: UpdateRole) => call<unknown>("PATCH", `${v1}/roles/${s(id)}`, { body }),
  deleteRole: (id: string, replacement?: RoleChoice) => call<unknown>("DELETE", `${v1}/roles/${s(id)}`, { query: { replacement } }),

  invitations: () => all<Invitation>(`${v1}/invitations`),
  invite: (body: CreateInvitation) => call<CreatedInvitation>("POST", `${v1}/invitations`, { body }),
  sendAgain: (id: string) => call<CreatedInvitation>("POST", `${v1}/invitations/${s(id)}/send`),
  revokeInvitation: (id: string) => call<unknown>("DELETE", `${v1}/invitations/${s(id)}`),
  findInvitation: (code: string) => call<FoundInvitation>("POST", `${v1}/invitations/find`, { body: { code } }),
  acceptInvitation: (code: string) => call<unknown>("POST", `${v1}/invitations/accept`, { body: { code } }),
  registerByInvitation: (body: RegisterByInvitation) => call<unknown>("POST", `${v1}/invitations/register`, { body }),

  groupHolders: (groupId: string) => items<Holder>(`${v1}/groups/${s(groupId)}/grants`),
  shareGroup: async (groupId: string, body: ShareGroup) =>
    (await call<{ items: Holder[] }>("PUT", `${v1}/groups/${s(groupId)}/grants`, { body })).items,
  unshareGroup: (groupId: string, { kind, id }: { kind: string; id: string }) =>
    call<unknown>("DELETE", `${v1}/groups/${s(groupId)}/grants`, { query: { principalKind: kind, principalId: id } }),
};

export const exportPath = `${v1}/organization/export`;
