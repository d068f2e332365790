import { AppError } from "@devflow/errors";
import type { Logger } from "pino";
import { type DatabaseTarget, type Sql, underSchemaLock } from "../db/index.ts";
import { masterKeyCheck } from "./check-keys.ts";
import { keepLastingKeys } from "./lasting-key.ts";
import type { MasterKey } from "./master-key.ts";
import { resealBatch, type Unopened } from "./reseal-column.ts";
import { keysLock } from "./rotate-organization-keys.ts";
import type { SealedColumn } from "./sealed-columns.ts";

export interface ChangeMasterKey {
  readonly target: DatabaseTarget;
  readonly log: Logger;
  readonly columns: readonly SealedColumn[];
  readonly from: MasterKey;
  readonly to: MasterKey;
}

/** A controller that was not heard of for this long is none. */
const silentS = 45;

/**
 * Wraps again under another master key whatever the one before wrapped, in one transaction: until it is committed the
 * old key opens everything, from then on the new one. Signed-in people have to sign in again, since their cookies were signed
 * with the old key; passwords, passkeys, authenticators, recovery codes and tokens stay.
 * @returns changed false when the database has the new key already
 * Throws AppError conflict while controllers run, precondition_failed when `from` is not the database's key.
 */
export async function changeMasterKey({
  target,
  log,
  columns,
  from,
  to,
}: ChangeMasterKey): Promise<{ changed: boolean; rewrapped: number; unopened: readonly Unopened[] }> {
  // Under the lock no controller gets past its start.
  return underSchemaLock({ target, log }, async (sql) => {
    const unopened = new Map<string, Unopened>();
    const done = await sql.begin(async (transaction) => {
      const tx = transaction as unknown as Sql;
      const [lock] = await tx<{ locked: boolean }[]>`select pg_try_advisory_xact_lock(${tx.unsafe(keysLock)}) as locked`;
      if (lock?.locked !== true) throw new AppError("conflict", "Keys are being changed by another process; wait until it is done");
      const [row] = await tx<{ check: string | null }[]>`select master_key_check as check from installation for update`;
      if (row?.check === masterKeyCheck(to)) return { changed: false, rewrapped: 0 };
      if (row?.check !== masterKeyCheck(from)) {
        throw new AppError(
          "precondition_failed",
          "The key given as the present one is not the master key that this database was made with",
        );
      }
      await refuseRunning(tx);
      await keepLastingKeys(tx, from, to);
      let rewrapped = 0;
      for (const column of columns.filter(({ by }) => by === "master")) rewrapped += await rewrapColumn(tx, column, from, to, unopened);
      await tx`update installation set master_key_check = ${masterKeyCheck(to)}`;
      return { changed: true, rewrapped };
    });
    return { ...done, unopened: [...unopened.values()] };
  });
}

async function refuseRunning(tx: Sql): Promise<void> {
  const running = await tx<
    { hostname: string }[]
  >`select hostname from controllers where seen_at > now() - make_interval(secs => ${silentS})`;
  if (running.length === 0) return;
  throw new AppError(
    "conflict",
    `Controllers run on this database (${running.map(({ hostname }) => hostname).join(", ")}) and would not open anything any more. Stop them all first; one that was killed is forgotten after ${silentS} s.`,
  );
}

async function rewrapColumn(
  tx: Sql,
  column: SealedColumn,
  from: MasterKey,
  to: MasterKey,
  unopened: Map<string, Unopened>,
): Promise<number> {
  // Nobody writes in between with the old key, a controller that is not on the list included.
  await tx`lock table ${tx(column.table)} in share row exclusive mode`;
  let all = 0;
  for (;;) {
    const { resealed, rows } = await resealBatch(tx, column, {
      join: tx``,
      // What this transaction wrote is done already.
      isDue: () => tx`t.xmin <> pg_current_xact_id()::xid`,
      limit: 500,
      reseal: async ({ purpose, sealed }) => to.wrap(purpose, from.unwrap(purpose, sealed)),
      unopened,
    });
    all += resealed;
    if (rows === 0) return all;
  }
}
