import { setTimeout as sleep } from "node:timers/promises";
import { AppError } from "@devflow/errors";
import { createClient, type DatabaseTarget, type Sql } from "../db/index.ts";
import type { MasterKey } from "./master-key.ts";
import { keyCachedMs, makeDataKey, openForOrganization, sealForOrganization } from "./organization-keys.ts";
import { resealBatch, type Unopened } from "./reseal-column.ts";
import type { SealedColumn } from "./sealed-columns.ts";

/**
 * How long running controllers may still seal with the key before: what they remember, and a request that began then
 * (30 s, and as long again for its transaction).
 */
export const rotationGraceMs = keyCachedMs + 60_000;

/** Session lock, so that one rotation runs at a time and none beside a change of the master key. */
export const keysLock = "hashtextextended('devflow.keys', 0)";

export interface RotateKeys {
  /** The database itself, not a pooler: the lock belongs to a session. */
  readonly target: DatabaseTarget;
  readonly masterKey: MasterKey;
  readonly columns: readonly SealedColumn[];
  /** 0 when no controller can be running; rotationGraceMs otherwise. */
  readonly graceMs: number;
  /** Rows a transaction. Default 200. */
  readonly batch?: number;
  readonly say?: (line: string) => void;
}

export interface Rotated {
  readonly organizations: number;
  readonly resealed: number;
  readonly unopened: readonly Unopened[];
}

/**
 * Gives every organisation a new data key and seals again whatever the ones before it sealed; then those are deleted.
 * May be ended at any moment and run again: it goes on where it was. Controllers go on meanwhile: they open with either
 * key. Throws AppError conflict while another rotation runs.
 */
export async function rotateOrganizationKeys(input: RotateKeys): Promise<Rotated> {
  const sql = createClient(input.target, { max: 1, name: "devflow keys" });
  try {
    const [lock] = await sql<{ locked: boolean }[]>`select pg_try_advisory_lock(${sql.unsafe(keysLock)}) as locked`;
    if (lock?.locked !== true) throw new AppError("conflict", "Keys are being changed by another process; wait until it is done");
    const organizations = await makeNewKeys(sql, input);
    const unopened = new Map<string, Unopened>();
    let resealed = await resealAll(sql, input, unopened);
    if (input.graceMs > 0) {
      input.say?.(`Waiting ${Math.ceil(input.graceMs / 1000)} s until no running controller seals with the keys before.`);
      await sleep(input.graceMs);
      resealed += await resealAll(sql, input, unopened);
    }
    // Where something could not be opened its key stays, for whoever looks into it.
    if (unopened.size === 0) await deleteOldKeys(sql, input.columns);
    await sql`delete from settings where key = ${marker}`;
    return { organizations, resealed, unopened: [...unopened.values()] };
  } finally {
    await sql.end({ timeout: 2 });
  }
}

/** While this setting is there, a rotation is under way: its time tells which keys it made already. */
const marker = "keys.rotation";

async function makeNewKeys(sql: Sql, { masterKey, say }: RotateKeys): Promise<number> {
  await sql`insert into settings (key, value) values (${marker}, '{}') on conflict do nothing`;
  const before = await sql<{ organizationId: string; version: number; isNew: boolean }[]>`
    select distinct on (organization_id) organization_id as "organizationId", version,
      created_at >= (select updated_at from settings where key = ${marker}) as "isNew"
    from organization_keys order by organization_id, version desc`;
  for (const { organizationId, version, isNew } of before) {
    if (!isNew) await makeDataKey({ sql, masterKey }, organizationId, version + 1);
  }
  const done = before.filter(({ isNew }) => isNew).length;
  if (done > 0) say?.(`Going on with a rotation that was interrupted: ${done} of ${before.length} organisations had their new key.`);
  return before.length;
}

/** Seals again until nothing is left that an older key sealed. */
async function resealAll(sql: Sql, { masterKey, columns, batch = 200, say }: RotateKeys, unopened: Map<string, Unopened>): Promise<number> {
  // Remembers nothing of what a key was before this moment.
  const keys = { sql, masterKey: { ...masterKey }, clock: { now: () => Date.now() } };
  let all = 0;
  for (const column of columns.filter(({ by }) => by === "organization")) {
    let ofColumn = 0;
    for (;;) {
      const { resealed, rows } = await sql.begin((tx) =>
        resealBatch(tx as unknown as Sql, column, {
          join: sql`join (select organization_id, max(version) as newest from organization_keys group by 1) k using (organization_id)`,
          // A sealed form begins with its form and the version of its key: see sealed-form.ts.
          isDue: (bytes) => sql`substring(${bytes} from 1 for 5) <> '\\x01'::bytea || int4send(k.newest)`,
          limit: batch,
          async reseal({ organizationId, purpose, sealed }) {
            const opening = { ...keys, sql: tx as unknown as Sql };
            const plaintext = await openForOrganization(opening, organizationId!, purpose, sealed);
            return sealForOrganization(opening, organizationId!, purpose, plaintext);
          },
          unopened,
        }),
      );
      ofColumn += resealed;
      if (rows === 0) break;
    }
    if (ofColumn > 0) say?.(`${column.table}.${column.column}: ${ofColumn} sealed again.`);
    all += ofColumn;
  }
  return all;
}

/** Deletes every key but the newest, unless something is still sealed by it. */
async function deleteOldKeys(sql: Sql, columns: readonly SealedColumn[]): Promise<void> {
  const unused = columns
    .filter(({ by }) => by === "organization")
    .map(
      ({ table, column }) =>
        sql`and not exists (select 1 from ${sql(table)} t where t.organization_id = k.organization_id and substring(t.${sql(column)} from 1 for 5) = '\\x01'::bytea || int4send(k.version))`,
    );
  await sql`
    delete from organization_keys k
    where version < (select max(version) from organization_keys n where n.organization_id = k.organization_id)
    ${unused.reduce((all, one) => sql`${all} ${one}`, sql``)}`;
}
