import { z } from "zod";
import { grantScope, permission, role, roleChoice } from "./permissions.ts";
import { id, orNull, page, pageQuery, time } from "./platform.ts";

/** Text that people read in one line: no control characters. */
const line = (maximum: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(maximum)
    .regex(/^[^\p{Cc}\p{Zl}\p{Zp}]*$/u, "expected one line without control characters");
const description = z
  .string()
  .trim()
  .max(500)
  .regex(/^[^\p{Cc}]*$/u, "expected one line without control characters");
/** Of a user: text, since OpenID providers' users are made by another library. */
export const userId = z.string().min(1).max(100);

/** An organisation that the caller belongs to. */
export const organization = z
  .object({
    id,
    name: z.string(),
    createdAt: time,
    /** When it and everything in it is deleted; null: it stays. Until then only owners get in. */
    deleteAfter: time.nullable(),
    /** Whether this session or token works in it. */
    active: z.boolean(),
    /** Strongest built-in role over the whole of it; null: parts or custom roles only. */
    role: orNull(role),
    members: z.int(),
    /** Whether it can be deleted at all: the one that the installation began with stays. */
    deletable: z.boolean(),
  })
  .meta({ id: "Organization" });
export type Organization = z.infer<typeof organization>;
export const organizationList = z
  .object({
    items: z.array(organization),
    /** Whether the caller may make another one. */
    mayCreate: z.boolean(),
  })
  .meta({ id: "OrganizationList" });
export type OrganizationList = z.infer<typeof organizationList>;

export const createOrganization = z.object({ name: line(100) }).meta({ id: "CreateOrganization" });
export type CreateOrganization = z.infer<typeof createOrganization>;
export const updateOrganization = z.object({ name: line(100) }).meta({ id: "UpdateOrganization" });
export type UpdateOrganization = z.infer<typeof updateOrganization>;
export const switchOrganization = z.object({ organizationId: id }).meta({ id: "SwitchOrganization" });
export type SwitchOrganization = z.infer<typeof switchOrganization>;
/** The organisation's name, typed by a person who means it. */
export const planDeletion = z.object({ name: z.string().max(200) }).meta({ id: "PlanDeletion" });
export type PlanDeletion = z.infer<typeof planDeletion>;

/** What the installation's administrators settle about organisations. */
export const organizationSettings = z
  .object({
    /** Who may make organisations. Default administrators (of the installation). */
    creation: z.enum(["administrators", "everybody"]),
    /** Days between the decision to delete an organisation and its deletion. Default 7. */
    deletionGraceDays: z.int().min(1).max(365),
  })
  .meta({ id: "OrganizationSettings" });
export type OrganizationSettings = z.infer<typeof organizationSettings>;

/** A role and where it is held, as it is given. */
export const grantChoice = z.object({ role: roleChoice, scope: grantScope }).meta({ id: "GrantChoice" });
export type GrantChoice = z.infer<typeof grantChoice>;
const grantChoices = z.array(grantChoice).max(100);
export const setGrants = z.object({ grants: grantChoices }).meta({ id: "SetGrants" });
export type SetGrants = z.infer<typeof setGrants>;

/** A role and where it is held, with names for people. */
export const grant = grantChoice.extend({ roleName: z.string(), scopeName: z.string() }).meta({ id: "Grant" });
export type Grant = z.infer<typeof grant>;

const named = z.object({ id, name: z.string() });
const person = z.object({ userId, name: z.string(), email: z.string() });

export const member = person
  .extend({
    joinedAt: time,
    /** When a session or a token of theirs was last used here, to the day; null: never. */
    lastActiveAt: time.nullable(),
    grants: z.array(grant),
    teams: z.array(named),
    /** Whether it is the caller. */
    you: z.boolean(),
    /** Whether the caller may change their roles and remove them: nobody touches who may do more. */
    mayChange: z.boolean(),
  })
  .meta({ id: "Member" });
export type Member = z.infer<typeof member>;
export const memberPage = page(member).meta({ id: "MemberPage" });
/** Query of GET /api/v1/members. */
export const memberListQuery = pageQuery.extend({ search: z.string().max(100).optional() });

export const team = z
  .object({
    id,
    name: z.string(),
    description: z.string(),
    createdAt: time,
    members: z.int(),
    /** Server groups that it owns. */
    groups: z.int(),
    grants: z.array(grant),
    /** Whether the caller may rename it and change who is in it. */
    mayManage: z.boolean(),
  })
  .meta({ id: "Team" });
export type Team = z.infer<typeof team>;
export const teamList = z.object({ items: z.array(team) }).meta({ id: "TeamList" });
export const principalRef = z.object({ kind: z.enum(["user", "team", "service", "token"]), id: z.string().min(1).max(100) });
/** Who holds a role over something. */
export const holder = z
  .object({ principal: principalRef.extend({ name: z.string() }), role: roleChoice, roleName: z.string(), mayChange: z.boolean() })
  .meta({ id: "Holder" });
export type Holder = z.infer<typeof holder>;
export const teamDetails = team
  .omit({ members: true, groups: true })
  .extend({
    members: z.array(person.extend({ since: time })),
    groups: z.array(named),
    /** Who holds roles over what the team owns. */
    holders: z.array(holder),
  })
  .meta({ id: "TeamDetails" });
export type TeamDetails = z.infer<typeof teamDetails>;
export const createTeam = z.object({ name: line(100), description: description.optional() }).meta({ id: "CreateTeam" });
export type CreateTeam = z.infer<typeof createTeam>;
export const updateTeam = z.object({ name: line(100).optional(), description: description.optional() }).meta({ id: "UpdateTeam" });
export type UpdateTeam = z.infer<typeof updateTeam>;
/** A member of the organisation, by id or e-mail address. */
export const addTeamMember = z
  .union([z.strictObject({ userId }), z.strictObject({ email: z.email().max(254) })])
  .meta({ id: "AddTeamMember" });
export type AddTeamMember = z.infer<typeof addTeamMember>;

export const holderList = z.object({ items: z.array(holder) }).meta({ id: "HolderList" });
/** PUT of a share: one role for one person or team over the group; it takes the place of the one before. */
export const shareGroup = z
  .object({ principal: z.object({ kind: z.enum(["user", "team"]), id: z.string().min(1).max(100) }), role: roleChoice })
  .meta({ id: "ShareGroup" });
export type ShareGroup = z.infer<typeof shareGroup>;
export const unshareQuery = z.object({
  principalKind: z.enum(["user", "team", "service", "token"]),
  principalId: z.string().min(1).max(100),
});

export const customRole = z
  .object({
    id,
    name: z.string(),
    description: z.string(),
    permissions: z.array(permission),
    createdAt: time,
    updatedAt: time,
    /** Who holds it and which open invitations give it, for people: "team Ops", "2 people". */
    usedBy: z.array(z.string()),
    mayChange: z.boolean(),
  })
  .meta({ id: "CustomRole" });
export type CustomRole = z.infer<typeof customRole>;
export const customRoleList = z.object({ items: z.array(customRole) }).meta({ id: "CustomRoleList" });
const permissionSet = z.array(permission).min(1).max(200);
export const createRole = z
  .object({ name: line(60), description: description.optional(), permissions: permissionSet })
  .meta({ id: "CreateRole" });
export type CreateRole = z.infer<typeof createRole>;
export const updateRole = z
  .object({ name: line(60).optional(), description: description.optional(), permissions: permissionSet.optional() })
  .meta({ id: "UpdateRole" });
export type UpdateRole = z.infer<typeof updateRole>;
/** Query of DELETE /api/v1/roles/{id}: the role that its holders get instead; without it a role in use stays. */
export const deleteRoleQuery = z.object({ replacement: roleChoice.optional() });

export const invitation = z
  .object({
    id,
    /** Only this address may accept; null: whoever holds the link, once. */
    email: z.string().nullable(),
    grants: z.array(grant),
    teams: z.array(named),
    invitedBy: z.string().nullable(),
    createdAt: time,
    expiresAt: time,
    mailedAt: time.nullable(),
    state: z.enum(["open", "expired", "accepted", "revoked"]),
    acceptedBy: z.string().nullable(),
  })
  .meta({ id: "Invitation" });
export type Invitation = z.infer<typeof invitation>;
export const invitationPage = page(invitation).meta({ id: "InvitationPage" });
export const createInvitation = z
  .object({
    /** Null: a link for whoever gets it first. */
    email: z.email().max(254).nullable(),
    grants: grantChoices.min(1),
    teamIds: z.array(id).max(50).optional(),
    /** Default 7. */
    expiresInDays: z.int().min(1).max(30).optional(),
  })
  .meta({ id: "CreateInvitation" });
export type CreateInvitation = z.infer<typeof createInvitation>;
/** The link is in this answer and nowhere else; null when it went by mail. */
export const createdInvitation = z
  .object({ invitation, link: z.string().nullable(), mailed: z.boolean() })
  .meta({ id: "CreatedInvitation" });
export type CreatedInvitation = z.infer<typeof createdInvitation>;

const invitationCode = z.string().min(1).max(100);
export const findInvitation = z.object({ code: invitationCode }).meta({ id: "FindInvitation" });
export type FindInvitation = z.infer<typeof findInvitation>;
/** What the holder of an invitation's code may know of it. */
export const foundInvitation = z
  .object({
    organization: z.object({ name: z.string() }),
    email: z.string().nullable(),
    invitedBy: z.string().nullable(),
    roles: z.array(z.string()),
    expiresAt: time,
    /** Whether the caller, as signed in, may accept it. */
    acceptable: z.boolean(),
    /** Why not, when signed in. */
    reason: z.string().nullable(),
  })
  .meta({ id: "FoundInvitation" });
export type FoundInvitation = z.infer<typeof foundInvitation>;
export const acceptInvitation = z.object({ code: invitationCode }).meta({ id: "AcceptInvitation" });
export type AcceptInvitation = z.infer<typeof acceptInvitation>;
/** Makes an account and accepts with it. The address is the invitation's when it names one. */
export const registerByInvitation = z
  .object({ code: invitationCode, name: line(100), email: z.email().max(254), password: z.string().min(12).max(128) })
  .meta({ id: "RegisterByInvitation" });
export type RegisterByInvitation = z.infer<typeof registerByInvitation>;
