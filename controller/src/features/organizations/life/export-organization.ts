import { once } from "node:events";
import { Readable } from "node:stream";
import { createGzip, type Gzip } from "node:zlib";
import { families } from "@devflow/catalogue";
import { AppError } from "@devflow/errors";
import type { TransactionSql } from "postgres";
import { writeAudit } from "../../../platform/audit/index.ts";
import type { Principal } from "../../../platform/auth/index.ts";
import type { Context } from "../../../platform/context.ts";
import { metricTables } from "../../metrics/index.ts";
import { exported } from "./exported.ts";

/** Rows that are read at once. */
const rowsAtOnce = 500;
/** A reader that takes nothing for so long is cut off, since its snapshot keeps the database from cleaning up. */
const stalledMs = 60_000;
/** Organisations whose export is under way in this process. */
const running = new Set<string>();

export interface Export {
  /** "organization-2026-11-20.ndjson.gz" */
  readonly fileName: string;
  readonly stream: ReadableStream<Uint8Array>;
}

/**
 * Everything of the organisation as it is at one moment: gzipped lines of JSON, {"type", …}. Values in hourly rows, in
 * the units of the catalogue. Without secrets and hashes of such: only the columns that exported.ts names.
 * Throws AppError conflict while another export of it runs.
 */
export async function exportOrganization({ ctx, principal }: { ctx: Context; principal: Principal }): Promise<Export> {
  const { organizationId } = principal;
  if (running.has(organizationId)) throw new AppError("conflict", "An export of this organisation runs already; wait until it has ended");
  running.add(organizationId);
  const gzip = createGzip();
  try {
    await writeAudit(ctx.db, principal, { action: "organizations.export", targetKind: "organization", targetId: organizationId });
  } catch (error) {
    running.delete(organizationId);
    throw error;
  }
  ctx.sql
    .begin("isolation level repeatable read read only", (sql) => writeLines(sql, gzip, organizationId))
    .then(() => gzip.end())
    .catch((error: unknown) => {
      if (!gzip.destroyed) ctx.log.warn({ scope: "organizations.export", err: error, organizationId }, "an export was not finished");
      gzip.destroy(error instanceof Error ? error : new Error(String(error)));
    })
    .finally(() => running.delete(organizationId));
  return {
    fileName: `organization-${new Date(ctx.clock.now()).toISOString().slice(0, 10)}.ndjson.gz`,
    stream: Readable.toWeb(gzip) as ReadableStream<Uint8Array>,
  };
}

interface Line {
  readonly line: string;
}

async function writeLines(sql: TransactionSql, gzip: Gzip, organizationId: string): Promise<void> {
  const write = async (text: string) => {
    if (gzip.destroyed) throw new Error("the reader has gone");
    if (!gzip.write(text)) await once(gzip, "drain", { signal: AbortSignal.timeout(stalledMs) });
  };
  const copy = async (type: string, rows: AsyncIterable<Line[]>, more: object = {}) => {
    const head = JSON.stringify({ type, ...more }).slice(0, -1);
    for await (const some of rows) await write(some.map(({ line }) => `${head},${line.slice(1)}\n`).join(""));
  };
  const lines = (query: string, values: (string | number)[]) => sql.unsafe<Line[]>(query, values).cursor(rowsAtOnce);

  await copy(
    "organization",
    lines(`select row_to_json(t)::text as line from (select id, name, created_at from organizations where id = $1) t`, [organizationId]),
  );
  await copy(
    "member",
    lines(
      `select row_to_json(t)::text as line from (select u.id, u.name, u.email, m.created_at as joined_at
        from memberships m join users u on u.id = m.user_id where m.organization_id = $1 order by u.id) t`,
      [organizationId],
    ),
  );
  for (const { type, table, columns, order = "id" } of exported) {
    const named = columns.map((column) => `"${column}"`).join(", ");
    const query = `select row_to_json(t)::text as line from (select ${named} from ${table} where organization_id = $1 order by ${order}) t`;
    // A row's own "type" would stand twice.
    await copy(type, lines(query.replace('"type"', '"type" as kind'), [organizationId]));
  }
  const servers = await sql<{ id: string; serverNo: number }[]>`
    select id, server_no as "serverNo" from servers where organization_id = ${organizationId} order by id`;
  const tables = metricTables(families).filter(({ tier }) => tier === "1h");
  for (const { id, serverNo } of servers) {
    for (const { family, table } of tables) {
      const { id: familyId } = families.find(({ name }) => name === family)!;
      await copy(
        "values",
        lines(
          `select ((to_jsonb(m) - 'server_no' - 'instance_no') || jsonb_build_object('instance', i.name))::text as line
            from ${table} m left join metric_instances i on i.server_no = m.server_no and i.family = ${familyId} and i.instance_no = m.instance_no
            where m.server_no = $1 order by m.instance_no, m.time`,
          [serverNo],
        ),
        { serverId: id, family, resolution: "1h" },
      );
    }
  }
}
