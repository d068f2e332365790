import { z } from "zod";
import { askedTime, id, page, pageQuery, time, timeCountsQuery } from "./platform.ts";

const change = z.object({ before: z.unknown().optional(), after: z.unknown().optional() });
const nothing = z.object({});

/**
 * Every kind of event with the shape of its data: what the list, the streams and outgoing webhooks speak of. A type's
 * data only ever gains optional fields; what else changes is a new type.
 */
export const eventTypes = {
  "server.enrolled": { meaning: "A server was added", data: z.object({ hostname: z.string() }) },
  "server.online": { meaning: "A server's agent connected", data: nothing },
  "server.offline": { meaning: "A server's agent is gone", data: z.object({ reason: z.string() }) },
  "server.updated": { meaning: "A server was renamed, tagged or put into a group", data: change },
  "server.quarantined": { meaning: "A server waits for a person, since its identity is in doubt", data: z.object({ reason: z.string() }) },
  "server.released": { meaning: "A quarantined server was let in again", data: nothing },
  "server.revoked": { meaning: "A server's identity was taken away", data: nothing },
  "server.deleted": { meaning: "A server was deleted with its history", data: nothing },
  "group.created": { meaning: "A server group was made", data: nothing },
  "group.updated": { meaning: "A server group was changed or shared", data: change },
  "group.deleted": { meaning: "A server group was deleted", data: nothing },
  "member.invited": { meaning: "Somebody was invited", data: z.object({ email: z.string().nullable() }) },
  "member.joined": { meaning: "Somebody joined the organisation", data: nothing },
  "member.left": { meaning: "Somebody left or was removed", data: z.object({ removed: z.boolean() }) },
  "grants.changed": { meaning: "Roles of a person, team, service account or token changed", data: change },
  "team.created": { meaning: "A team was made", data: nothing },
  "team.updated": { meaning: "A team or its members changed", data: change },
  "team.deleted": { meaning: "A team was deleted", data: nothing },
  "role.created": { meaning: "A custom role was made", data: nothing },
  "role.updated": { meaning: "A custom role was changed", data: change },
  "role.deleted": { meaning: "A custom role was deleted", data: nothing },
  "token.created": { meaning: "An API token was made", data: nothing },
  "token.revoked": { meaning: "An API token was revoked", data: nothing },
  "service-account.created": { meaning: "A service account was made", data: nothing },
  "service-account.updated": { meaning: "A service account was changed, disabled or enabled", data: change },
  "service-account.deleted": { meaning: "A service account was deleted with its tokens", data: nothing },
  "enrolment-token.created": { meaning: "A token that lets machines in was made", data: nothing },
  "enrolment-token.revoked": { meaning: "A token that lets machines in was revoked", data: nothing },
  "user.password-changed": { meaning: "Somebody changed or reset a password", data: nothing },
  "user.factor-changed": {
    meaning: "Somebody added or removed a passkey or a second factor",
    data: z.object({ factor: z.string(), added: z.boolean() }),
  },
  "user.disabled": { meaning: "An administrator of the installation disabled a member's account", data: nothing },
  "user.enabled": { meaning: "An administrator of the installation enabled a member's account again", data: nothing },
  "user.administrator-changed": {
    meaning: "A member became an administrator of the installation, or is none any more",
    data: z.object({ administrator: z.boolean() }),
  },
  "webhook.created": { meaning: "An outgoing webhook was made", data: nothing },
  "webhook.updated": { meaning: "An outgoing webhook was changed", data: change },
  "webhook.deleted": { meaning: "An outgoing webhook was deleted", data: nothing },
  "webhook.disabled": {
    meaning: "An outgoing webhook was disabled, since nothing could be delivered",
    data: z.object({ reason: z.string() }),
  },
  "webhook.test": { meaning: "Sent by the test button, to one webhook only", data: nothing },
  "organization.updated": { meaning: "The organisation's name or settings changed", data: change },
  "organization.deletion-planned": { meaning: "The organisation will be deleted", data: z.object({ at: time }) },
  "organization.deletion-cancelled": { meaning: "The organisation stays after all", data: nothing },
  "audit.contradicted": {
    meaning:
      "A server holds a signed checkpoint that the audit log does not fit: somebody changed the log, or the database is an older copy",
    data: z.object({ sequence: z.int(), signedAt: time, reason: z.string() }),
  },
} as const satisfies Record<string, { meaning: string; data: z.ZodObject }>;

export type EventType = keyof typeof eventTypes;
export type EventData<T extends EventType> = z.input<(typeof eventTypes)[T]["data"]>;
export const eventType = z.enum(Object.keys(eventTypes) as [EventType, ...EventType[]]).meta({ id: "EventType" });

export const event = z
  .object({
    id,
    type: eventType,
    at: time,
    actor: z.object({ kind: z.enum(["user", "token", "system"]), id: z.string(), name: z.string() }),
    subject: z.object({ kind: z.string(), id: z.string(), name: z.string() }),
    /** As eventTypes says for its type. */
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ id: "Event" });
export type Event = z.infer<typeof event>;
export const eventPage = page(event).meta({ id: "EventPage" });

/** Comma separated. */
const types = z
  .string()
  .max(2_000)
  .transform((text) => text.split(","))
  .pipe(z.array(eventType).min(1))
  .optional();

/** Query of GET /api/v1/events/stream. */
export const eventStreamQuery = z.object({
  types,
  /** Id of the last event that the reader has, as the header Last-Event-ID. Default: begin now. */
  after: z.string().max(100).optional(),
});

/** Query of GET /api/v1/events: newest first. */
export const eventListQuery = pageQuery.extend({
  types,
  subjectKind: z.string().max(50).optional(),
  subjectId: z.string().max(100).optional(),
  from: askedTime.optional(),
  to: askedTime.optional(),
});

/** Query of GET /api/v1/events/counts. */
export const eventCountsQuery = timeCountsQuery.extend({
  types,
  subjectKind: z.string().max(50).optional(),
  subjectId: z.string().max(100).optional(),
});
