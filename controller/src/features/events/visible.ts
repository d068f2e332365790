import type { Event } from "@devflow/api";
import { type Part, type Principal, reachOf } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";

/** An event as it is read, with what settles who may see it and its place in the order of commits. */
export interface EventRow extends Omit<Event, "at" | "type"> {
  readonly type: string;
  readonly at: Date;
  readonly organizationId: string;
  readonly groupId: string | null;
  /** The team that owns the group by now. */
  readonly teamId: string | null;
  readonly transaction: string;
  readonly sequence: number;
}

/** The parts of its organisation that a principal sees events of; an event has to be in each. None: it sees all. */
export function eventParts({ access }: Principal): readonly Part[] {
  const own = reachOf(access, "events.read");
  // Whoever reads events in a part only sees what happens to the servers that they see there.
  return own.length === 0 ? [] : [...own, ...reachOf(access, "servers.read")];
}

/** Whether an event of the organisation is in each of the parts. */
export const isVisible = (parts: readonly Part[], { groupId, teamId }: Pick<EventRow, "groupId" | "teamId">): boolean =>
  parts.every((part) => (groupId !== null && part.groupIds.includes(groupId)) || (teamId !== null && part.teamIds.includes(teamId)));

const uuids = (ids: readonly string[]) => ids.join(",");

/** SQL " and …" with the same meaning as isVisible, over events e and server_groups g. */
export function visibleSql({ sql }: Pick<Context, "sql">, parts: readonly Part[]) {
  const conditions = parts.map(
    ({ groupIds, teamIds }) => sql` and (e.group_id = any(string_to_array(${uuids(groupIds)}, ',')::uuid[])
      or g.team_id = any(string_to_array(${uuids(teamIds)}, ',')::uuid[]))`,
  );
  return conditions.reduce((all, condition) => sql`${all}${condition}`, sql``);
}

/** SQL of an EventRow's columns, over events e and server_groups g. */
export const columnsSql = ({ sql }: Pick<Context, "sql">) => sql`
  e.id, e.type, e.at, e.organization_id as "organizationId", e.group_id as "groupId", g.team_id as "teamId",
  json_build_object('kind', e.actor_kind, 'id', e.actor_id, 'name', e.actor_name) as actor,
  json_build_object('kind', e.subject_kind, 'id', e.subject_id, 'name', e.subject_name) as subject,
  e.data, e.transaction::text as transaction, e.sequence`;

export const fromSql = ({ sql }: Pick<Context, "sql">) => sql`from events e left join server_groups g on g.id = e.group_id`;

/** The event as the API, the streams and webhooks tell it. */
export const toEvent = ({ id, type, at, actor, subject, data }: EventRow): Event => ({
  id,
  type: type as Event["type"],
  at: at.toISOString(),
  actor,
  subject,
  data,
});
