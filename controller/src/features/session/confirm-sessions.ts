import type { Context } from "../../platform/context.ts";
import { arrayLiteral } from "../../platform/db/index.ts";
import { serverEventsSql } from "../../platform/events/index.ts";
import { STALE_AFTER_S } from "./hold-session.ts";

/**
 * Says that this gateway is alive and holds its sessions. Also where a revocation by another process is noticed.
 * @returns the servers that it holds by the database; a connection of another one was taken over elsewhere, or may
 *   not be there any more
 */
export async function confirmSessions({ ctx, input }: { ctx: Context; input: { gatewayId: string } }): Promise<ReadonlySet<string>> {
  // As one text: ten thousand rows would keep the event loop from everybody else for as long as they are read.
  const [row] = await ctx.sql<{ held: string | null }[]>`
    with confirmed as (
      update agent_sessions a set last_seen_at = ${new Date(ctx.clock.now())} from servers s
      where a.gateway_id = ${input.gatewayId} and s.id = a.server_id and s.revoked_at is null and s.quarantined_at is null
      returning a.server_id
    )
    select string_agg(server_id::text, ',') as held from confirmed`;
  return new Set(row?.held?.split(","));
}

/** Ends sessions whose gateway died without a word. @returns the servers that are offline now */
export async function dropDeadSessions({
  ctx,
  input,
}: {
  ctx: Context;
  input: { gatewayId: string };
}): Promise<{ serverId: string; organizationId: string }[]> {
  const now = new Date(ctx.clock.now());
  return ctx.sql<{ serverId: string; organizationId: string }[]>`
    with gone as (
      delete from agent_sessions
      where gateway_id <> ${input.gatewayId} and last_seen_at < ${now}::timestamptz - make_interval(secs => ${STALE_AFTER_S})
      returning server_id, last_seen_at
    ), told as (
      ${serverEventsSql(ctx, "server.offline", { reason: "the gateway that it was connected to is gone" }, ctx.sql`select server_id from gone`)}
    )
    update servers s set state_since = ${now}, last_seen_at = gone.last_seen_at from gone where s.id = gone.server_id
    returning s.id as "serverId", s.organization_id as "organizationId"`;
}

/** Stores measured round-trip times, milliseconds by server. */
export async function storeRoundTrips({ ctx, input }: { ctx: Context; input: ReadonlyMap<string, number> }): Promise<void> {
  if (input.size === 0) return;
  const pairs = [...input].toSorted(([a], [b]) => (a < b ? -1 : 1));
  await ctx.sql`
    update servers s set round_trip_ms = t.ms
    from unnest(${arrayLiteral(pairs.map(([id]) => id))}::uuid[], ${arrayLiteral(pairs.map(([, ms]) => ms))}::real[]) as t (id, ms)
    where s.id = t.id and s.round_trip_ms is distinct from t.ms`;
}
