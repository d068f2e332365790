/** Port number in the socket's name; nothing listens on TCP. */
export const socketPort = 5432;

/** Longest path of a unix socket, without the closing NUL (unix(7): sun_path holds 108 bytes). */
const longestSocketPath = 107;

/** Path of the socket inside its folder. */
export const socketPath = (folder: string): string => `${folder}/.s.PGSQL.${socketPort}`;

/** Whether a socket in that folder has a path that the kernel takes. */
export const fitsSocketPath = (folder: string): boolean => Buffer.byteLength(socketPath(folder)) <= longestSocketPath;

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/**
 * postgresql.conf: small when idle, good at taking rows in, and durable (fsync and synchronous_commit stay on).
 * @param socketFolder absolute path
 * @param userFile settings of the administrator, read last; need not exist
 */
export function postgresqlConf(socketFolder: string, userFile: string): string {
  const settings: Record<string, string> = {
    listen_addresses: quoted(""),
    port: String(socketPort),
    // The list is parsed for commas and double quotes once the value is read.
    unix_socket_directories: quoted(`"${socketFolder.replaceAll('"', '""')}"`),
    unix_socket_permissions: "0777",
    max_connections: "40",
    superuser_reserved_connections: "3",
    // Memory: one machine, few connections, indexes of the newest partitions in the cache, the rest in the kernel's.
    shared_buffers: "'32MB'",
    work_mem: "'4MB'",
    maintenance_work_mem: "'32MB'",
    jit: "off",
    huge_pages: "off",
    // Each of these processes costs 1 to 2 MB for work that a single small server does not have.
    io_method: "sync",
    max_worker_processes: "2",
    max_parallel_workers: "0",
    max_parallel_workers_per_gather: "0",
    max_parallel_maintenance_workers: "0",
    max_logical_replication_workers: "0",
    autovacuum_worker_slots: "2",
    autovacuum_max_workers: "1",
    autovacuum_naptime: "'1min'",
    max_wal_senders: "0",
    wal_level: "minimal",
    // Ingest: fewer checkpoints, so fewer full pages in the log.
    wal_buffers: "'4MB'",
    min_wal_size: "'64MB'",
    max_wal_size: "'512MB'",
    checkpoint_timeout: "'15min'",
    checkpoint_completion_target: "0.9",
    // A retention run drops many partitions in one transaction.
    max_locks_per_transaction: "128",
    random_page_cost: "1.1",
    timezone: "'UTC'",
    log_timezone: "'UTC'",
    datestyle: "'iso, ymd'",
    log_destination: "'stderr'",
    logging_collector: "off",
    log_min_messages: "'warning'",
    log_checkpoints: "off",
    log_line_prefix: "'%m [%p] '",
    include_if_exists: quoted(userFile),
  };
  return `# Written by DevFlow at each start. Your own settings belong into ${userFile.replaceAll("\n", " ")}\n${Object.entries(settings)
    .map(([name, value]) => (name === "include_if_exists" ? `${name} ${value}\n` : `${name} = ${value}\n`))
    .join("")}`;
}

/** Name of the database and of the role that owns it. */
export const databaseName = "devflow";

/**
 * pg_hba.conf and pg_ident.conf: no passwords. The kernel tells who is at the other end of the socket, and only the
 * user that runs DevFlow, and root, are let in.
 */
export const pgHbaConf = "local all all peer map=devflow\n";
export const pgIdentConf = (osUsers: readonly string[]): string =>
  [...new Set(osUsers)].map((name) => `devflow "${name.replaceAll('"', '""')}" ${databaseName}\n`).join("");
