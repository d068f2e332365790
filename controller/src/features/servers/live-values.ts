import type { Context } from "../../platform/context.ts";
import type { LiveSubscriber } from "../../platform/http/index.ts";
import { type Reach, serverReach, withinReachSql } from "./within-reach.ts";

const everyMs = 2_000;

interface Reader {
  readonly subscriber: LiveSubscriber;
  readonly reach: Reach;
  /** Snapshot of the database up to which it has everything; null: from now on. */
  seen: string | null;
}

/**
 * The newest values for those who watch the list. They are not told of by events, since each server's change every
 * 10 s: while somebody watches, one query every 2 s reads what was stored since the last one and makes the text that
 * all readers of the organisation with the same reach get. One that is too slow gets it all at once when it is ready again.
 * @returns what starts a subscriber; that gives what ends it
 */
export function liveValues(ctx: Context): (subscriber: LiveSubscriber) => () => void {
  const organizations = new Map<string, Set<Reader>>();
  let timer: NodeJS.Timeout | undefined;

  const tell = async (organizationId: string, readers: Set<Reader>, fresh: boolean): Promise<void> => {
    const due = [...readers].filter(({ subscriber, seen }) => subscriber.ready && (!fresh || seen === null));
    for (const group of Map.groupBy(due, ({ seen, reach }) => `${seen}|${reach.key}`).values()) {
      const { now, rows } = await valuesSince(ctx, organizationId, group[0]!);
      for (const reader of group) {
        reader.seen = now;
        if (rows !== null && readers.has(reader)) reader.subscriber.send(`{"type":"values","rows":${rows}}`);
      }
    }
  };
  const tellAll = async (fresh: boolean): Promise<void> => {
    for (const [organizationId, readers] of organizations) {
      await tell(organizationId, readers, fresh).catch((error: unknown) =>
        ctx.log.warn({ scope: "servers.live", err: error }, "could not read new values"),
      );
    }
  };
  const tick = async (): Promise<void> => {
    await tellAll(false);
    timer = organizations.size > 0 ? setTimeout(() => void tick(), everyMs) : undefined;
  };

  return (subscriber) => {
    const { organizationId } = subscriber.principal;
    const reader: Reader = { subscriber, reach: serverReach(subscriber.principal), seen: null };
    const readers = organizations.get(organizationId) ?? new Set();
    organizations.set(organizationId, readers.add(reader));
    void tellAll(true);
    timer ??= setTimeout(() => void tick(), everyMs);
    return () => {
      readers.delete(reader);
      if (readers.size === 0 && organizations.get(organizationId) === readers) organizations.delete(organizationId);
    };
  };
}

/** JSON of LatestRow[] (null: nothing) that was committed after the snapshot `seen`, and the snapshot of this answer. */
async function valuesSince(
  ctx: Context,
  organizationId: string,
  { seen, reach }: Pick<Reader, "seen" | "reach">,
): Promise<{ now: string; rows: string | null }> {
  const { sql } = ctx;
  if (seen === null) {
    const [row] = await sql<{ now: string }[]>`select pg_current_snapshot()::text as now`;
    return { now: row!.now, rows: null };
  }
  // Transactions from a backup's database may have numbers that this one has not reached.
  const [row] = await sql<{ now: string; rows: string | null }[]>`
    select pg_current_snapshot()::text as now, (
      select json_agg(json_build_array(s.id, (extract(epoch from l.time) * 1000)::bigint, l.cpu_percent, l.load_1, l.memory_used_bytes,
        l.memory_total_bytes, l.disk_used_percent, l.disk_mount, l.receive_bytes_per_second, l.transmit_bytes_per_second))::text
      from server_latest l join servers s on s.server_no = l.server_no
      where s.organization_id = ${organizationId} and l.written_by >= pg_snapshot_xmin(${seen}::pg_snapshot)
        and l.written_by < pg_snapshot_xmax(pg_current_snapshot()) and not pg_visible_in_snapshot(l.written_by, ${seen}::pg_snapshot)
        ${withinReachSql(ctx, reach)}
    ) as rows`;
  return row!;
}
