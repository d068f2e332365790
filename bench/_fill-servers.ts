import type { Sql } from "../controller/src/platform/db/index.ts";

/** Servers of which 95 of 100 are online, written a few times over as a fleet does. */
export async function fillServers(sql: Sql, organizationId: string, servers: number): Promise<void> {
  await sql`insert into server_groups (organization_id, name) select ${organizationId}, 'group ' || n from generate_series(1, 20) n`;
  await sql`
    insert into servers (organization_id, name, hostname, os_name, agent_version, first_connected_at, last_seen_at, monitor_only, group_id, tags)
    select ${organizationId}, (array['web', 'db', 'cache', 'worker'])[1 + n % 4] || '-' || n, 'host-' || n || '.example.com',
      'Debian GNU/Linux 12 (bookworm)', '0.1.0', now(), now(), n % 10 = 0,
      (select id from server_groups where name = 'group ' || (1 + n % 21)), array[case when n % 3 = 0 then 'staging' else 'prod' end, 'rack:' || n % 100]
    from generate_series(1, ${servers}::int) n`;
  await sql`
    insert into agent_sessions (server_id, gateway_id, epoch, boot_id, spool_id, address)
    select id, gen_random_uuid(), 1, gen_random_uuid(), gen_random_uuid(), '10.0.' || server_no / 250 || '.' || server_no % 250
    from servers where server_no % 20 <> 0`;
  await sql`
    insert into server_latest (server_no, time, cpu_percent, load_1, memory_used_bytes, memory_total_bytes, disk_used_percent, disk_mount, receive_bytes_per_second, transmit_bytes_per_second)
    select server_no, now(), random() * 100, random() * 4, random() * 8e9, 8e9, random() * 100, '/', random() * 1e6, random() * 1e6 from servers`;
  for (let i = 0; i < 10; i++) {
    await sql`update server_latest set time = time + interval '10 s', cpu_percent = random() * 100, written_by = pg_current_xact_id()`;
    await sql`vacuum server_latest`;
  }
  await sql`update servers set round_trip_ms = 1`;
  await sql`vacuum analyze`;
}
