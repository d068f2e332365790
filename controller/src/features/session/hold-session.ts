import type { Context } from "../../platform/context.ts";
import type { Greeting } from "./greeting.ts";

export interface HoldSession {
  readonly serverId: string;
  readonly gatewayId: string;
  readonly address: string;
  readonly greeting: Greeting;
  /** Take the session over although another spool or boot seems to be alive. */
  readonly takeOver: boolean;
}

export type SessionHeld =
  | {
      readonly held: true;
      readonly epoch: number;
      readonly serverName: string;
      readonly spoolDropped: number;
      /** The other gateway that held it until now; null: none did. */
      readonly movedFrom: string | null;
    }
  /** Another spool, or another boot of the machine, holds a session that was alive a moment ago. */
  | { readonly held: false; readonly gatewayId: string };

/** A row that its gateway has not confirmed for so long is nobody's any more; gateways confirm every 15 s. */
export const STALE_AFTER_S = 45;

/**
 * Makes this gateway the holder of a server's session, which makes the server online. Each hold raises the epoch:
 * what an older holder still wants to say about the server changes nothing.
 * Returns null when the server was deleted meanwhile.
 */
export async function holdSession({ ctx, input }: { ctx: Context; input: HoldSession }): Promise<SessionHeld | null> {
  const { serverId, gatewayId, address, greeting, takeOver } = input;
  const { bootId, spoolId, hostname, agentVersion, monitorOnly } = greeting;
  const now = new Date(ctx.clock.now());
  const [row] = await ctx.sql<{ name: string; epoch: number | null; holder: string | null; spoolDropped: number }[]>`
    with old as (
      select gateway_id from agent_sessions where server_id = ${serverId}
    ), taken as (
      insert into agent_sessions as a (server_id, gateway_id, epoch, boot_id, spool_id, address, connected_at, last_seen_at)
      select id, ${gatewayId}, 1, ${bootId}, ${spoolId}, ${address}, ${now}, ${now} from servers where id = ${serverId}
      on conflict (server_id) do update set
        gateway_id = excluded.gateway_id, epoch = a.epoch + 1, boot_id = excluded.boot_id, spool_id = excluded.spool_id,
        address = excluded.address, connected_at = excluded.connected_at, last_seen_at = excluded.last_seen_at
      where ${takeOver} or (a.spool_id = excluded.spool_id and a.boot_id = excluded.boot_id)
        or a.last_seen_at < excluded.last_seen_at - make_interval(secs => ${STALE_AFTER_S})
      returning epoch
    ), changed as (
      update servers set
        spool_dropped = case when spool_id = ${spoolId} then spool_dropped else 0 end, spool_id = ${spoolId},
        hostname = ${hostname}, agent_version = ${agentVersion}, monitor_only = ${monitorOnly},
        first_connected_at = coalesce(first_connected_at, ${now}), last_seen_at = ${now},
        state_since = case when exists (select from old) then state_since else ${now} end
      where id = ${serverId} and exists (select from taken)
    )
    select s.name, (select epoch from taken) as epoch, (select gateway_id from old) as holder,
      case when s.spool_id = ${spoolId} then s.spool_dropped else 0 end as "spoolDropped"
    from servers s where s.id = ${serverId}`;
  if (row === undefined) return null;
  if (row.epoch === null) return { held: false, gatewayId: row.holder ?? "" };
  const movedFrom = row.holder === gatewayId ? null : row.holder;
  return { held: true, epoch: row.epoch, serverName: row.name, spoolDropped: row.spoolDropped, movedFrom };
}

/**
 * Gives a session up, which makes the server offline. Changes nothing when another connection holds it by now.
 * @returns whether it was still held
 */
export async function releaseSession({
  ctx,
  input,
}: {
  ctx: Context;
  input: { serverId: string; gatewayId: string; epoch: number };
}): Promise<boolean> {
  const now = new Date(ctx.clock.now());
  const rows = await ctx.sql`
    with gone as (
      delete from agent_sessions where server_id = ${input.serverId} and gateway_id = ${input.gatewayId} and epoch = ${input.epoch} returning server_id
    )
    update servers set state_since = ${now}, last_seen_at = ${now} where id in (select server_id from gone) returning id`;
  return rows.length > 0;
}

/** Keeps how many dropped batches of a spool a warning told of, so that the next session does not tell again. */
export async function keepDropped({
  ctx,
  input,
}: {
  ctx: Context;
  input: { serverId: string; spoolId: string; dropped: number };
}): Promise<void> {
  await ctx.sql`update servers set spool_dropped = ${input.dropped} where id = ${input.serverId} and spool_id = ${input.spoolId}`;
}
