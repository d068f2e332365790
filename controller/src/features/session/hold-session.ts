import type { Context } from "../../platform/context.ts";
import { arrayLiteral, sqlState } from "../../platform/db/index.ts";
import { serverEventsSql } from "../../platform/events/index.ts";
import type { Greeting } from "./greeting.ts";
import type { WarningCode } from "./set-warning.ts";

export interface HoldSession {
  readonly serverId: string;
  readonly address: string;
  readonly greeting: Pick<Greeting, "bootId" | "spoolId" | "hostname" | "agentVersion" | "monitorOnly">;
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
      /** What its people are warned of right now. */
      readonly warned: readonly WarningCode[];
    }
  /** Another spool, or another boot of the machine, holds a session that was alive a moment ago. */
  | { readonly held: false; readonly gatewayId: string };

/** A row that its gateway has not confirmed for so long is nobody's any more; gateways confirm every 15 s. */
export const STALE_AFTER_S = 45;

/** Takes one session; sessions that are taken at the same time share a transaction. */
export type HoldSessions = (request: HoldSession) => Promise<SessionHeld | null>;

/** Sessions in one transaction at most, so that the first need not wait long for the last. */
const MAX_TOGETHER = 500;
const DEADLOCK = "40P01";

interface Asked {
  readonly request: HoldSession;
  readonly resolve: (answer: SessionHeld | null) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Makes this gateway the holder of servers' sessions, which makes the servers online: one transaction at a time for
 * all that asked meanwhile, since after a restart a whole fleet asks within seconds. Each hold raises the epoch: what
 * an older holder still wants to say about the server changes nothing.
 * Answers null when the server was deleted meanwhile.
 */
export function createHoldSessions(ctx: Context, gatewayId: string): HoldSessions {
  let asked: Asked[] = [];
  let running = false;

  /** What can go together: of one kind, and each server once. */
  function nextTurn(): Map<string, Asked> {
    const turn = new Map<string, Asked>();
    const takeOver = asked[0]?.request.takeOver;
    const rest: Asked[] = [];
    for (const one of asked) {
      const { serverId, takeOver: kind } = one.request;
      if (kind === takeOver && turn.size < MAX_TOGETHER && !turn.has(serverId)) turn.set(serverId, one);
      else rest.push(one);
    }
    asked = rest;
    return turn;
  }

  async function run(): Promise<void> {
    running = true;
    while (asked.length > 0) {
      const turn = nextTurn();
      try {
        const requests = [...turn.values()].map(({ request }) => request);
        // Two gateways, or a person at the API, may want the same servers in another order.
        const held = await twiceAfterDeadlock(() => holdSessions(ctx, gatewayId, requests));
        ctx.bus.emit("events.written", {});
        for (const [serverId, { resolve }] of turn) resolve(held.get(serverId) ?? null);
      } catch (error) {
        for (const { reject } of turn.values()) reject(error);
      }
    }
    running = false;
  }

  return (request) =>
    new Promise((resolve, reject) => {
      asked.push({ request, resolve, reject });
      if (!running) void run();
    });
}

async function twiceAfterDeadlock<T>(work: () => Promise<T>): Promise<T> {
  return work().catch((error: unknown) => {
    if (sqlState(error) !== DEADLOCK) throw error;
    return work();
  });
}

interface HeldRow {
  readonly serverId: string;
  readonly name: string;
  readonly epoch: number | null;
  readonly holder: string | null;
  readonly spoolDropped: number;
  readonly warned: WarningCode[];
}

/** @param requests each server once, all with the same `takeOver` */
async function holdSessions(ctx: Context, gatewayId: string, requests: readonly HoldSession[]): Promise<Map<string, SessionHeld>> {
  const now = new Date(ctx.clock.now());
  const column = (of: (request: HoldSession) => string): string => arrayLiteral(requests.map(of));
  const rows = await ctx.sql<HeldRow[]>`
    with asked as (
      select * from unnest(
        ${column((r) => r.serverId)}::uuid[], ${column((r) => r.greeting.bootId)}::text[], ${column((r) => r.greeting.spoolId)}::text[],
        ${column((r) => r.address)}::text[], ${column((r) => r.greeting.hostname)}::text[],
        ${column((r) => r.greeting.agentVersion)}::text[], ${column((r) => String(r.greeting.monitorOnly))}::boolean[]
      ) as t (id, boot_id, spool_id, address, hostname, agent_version, monitor_only)
    ), old as (
      select server_id, gateway_id from agent_sessions where server_id in (select id from asked)
    ), taken as (
      insert into agent_sessions as a (server_id, gateway_id, epoch, boot_id, spool_id, address, connected_at, last_seen_at)
      select id, ${gatewayId}::uuid, 1, t.boot_id, t.spool_id, t.address, ${now}::timestamptz, ${now}::timestamptz
      from asked t join servers s using (id) order by id
      on conflict (server_id) do update set
        gateway_id = excluded.gateway_id, epoch = a.epoch + 1, boot_id = excluded.boot_id, spool_id = excluded.spool_id,
        address = excluded.address, connected_at = excluded.connected_at, last_seen_at = excluded.last_seen_at
      where ${requests[0]?.takeOver === true} or (a.spool_id = excluded.spool_id and a.boot_id = excluded.boot_id)
        or a.last_seen_at < excluded.last_seen_at - make_interval(secs => ${STALE_AFTER_S})
      returning server_id, epoch
    ), changed as (
      update servers s set
        spool_dropped = case when s.spool_id = t.spool_id then s.spool_dropped else 0 end, spool_id = t.spool_id,
        hostname = t.hostname, agent_version = t.agent_version, monitor_only = t.monitor_only,
        first_connected_at = coalesce(s.first_connected_at, ${now}), last_seen_at = ${now},
        state_since = case when t.id in (select server_id from old) then s.state_since else ${now} end
      from asked t where s.id = t.id and t.id in (select server_id from taken)
    ), told as (
      ${serverEventsSql(ctx, "server.online", {}, ctx.sql`select server_id from taken except select server_id from old`)}
    )
    select s.id as "serverId", s.name, taken.epoch, old.gateway_id as holder,
      case when s.spool_id = t.spool_id then s.spool_dropped else 0 end as "spoolDropped",
      array(select w->>'code' from jsonb_array_elements(s.warnings) w) as warned
    from asked t join servers s using (id) left join taken on taken.server_id = t.id left join old on old.server_id = t.id`;
  return new Map(
    rows.map(({ serverId, name, epoch, holder, spoolDropped, warned }): [string, SessionHeld] => {
      if (epoch === null) return [serverId, { held: false, gatewayId: holder ?? "" }];
      const movedFrom = holder === gatewayId ? null : holder;
      return [serverId, { held: true, epoch, serverName: name, spoolDropped, movedFrom, warned }];
    }),
  );
}

export interface ReleaseSessions {
  readonly gatewayId: string;
  readonly held: readonly { readonly serverId: string; readonly epoch: number }[];
}

/**
 * Gives sessions up, which makes their servers offline; one statement for all. Changes nothing where another connection
 * holds the server by now.
 * @returns the servers that were still held
 */
export async function releaseSessions({
  ctx,
  input: { gatewayId, held },
}: {
  ctx: Context;
  input: ReleaseSessions;
}): Promise<{ serverId: string; organizationId: string }[]> {
  if (held.length === 0) return [];
  const { sql } = ctx;
  const now = new Date(ctx.clock.now());
  return twiceAfterDeadlock(
    () => sql<{ serverId: string; organizationId: string }[]>`
    with asked as (
      select * from unnest(${arrayLiteral(held.map((h) => h.serverId))}::uuid[], ${arrayLiteral(held.map((h) => h.epoch))}::int[]) as t (id, epoch)
    ), locked as (
      select a.server_id from agent_sessions a join asked on asked.id = a.server_id and asked.epoch = a.epoch
      where a.gateway_id = ${gatewayId} order by a.server_id for update of a
    ), gone as (
      delete from agent_sessions where server_id in (select server_id from locked) returning server_id
    ), told as (
      ${serverEventsSql(ctx, "server.offline", { reason: "its connection ended" }, sql`select server_id from gone`)}
    )
    update servers set state_since = ${now}, last_seen_at = ${now} where id in (select server_id from gone)
    returning id as "serverId", organization_id as "organizationId"`,
  );
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
