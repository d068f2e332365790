import type { Database, Sql } from "./sql.ts";

type Last = (sql: Sql) => Promise<unknown>;
const lasts = new WeakMap<object, Last[]>();

/** What drizzle asks the database with; it keeps that for itself. */
const clientOf = (tx: object): Sql => (tx as { session: { client: Sql } }).session.client;

/** Lets transactions of a database do what was planned by beforeCommit(). */
export function beforeCommits(db: Database): Database {
  const transaction = db.transaction.bind(db);
  db.transaction = (work, config) =>
    transaction(async (tx) => {
      const planned: Last[] = [];
      lasts.set(tx, planned);
      const result = await work(tx);
      lasts.delete(tx);
      // Sent together: one round trip.
      await Promise.all(planned.map((last) => last(clientOf(tx))));
      return result;
    }, config);
  return db;
}

/**
 * Runs work as the last of a transaction, together with what else was planned; when it fails, so does the transaction.
 * Outside of one, and inside a savepoint, at once.
 * @param tx a database of createDrizzle(), or a transaction of one
 */
export async function beforeCommit(tx: object, last: Last): Promise<void> {
  const planned = lasts.get(tx);
  if (planned === undefined) await last(clientOf(tx));
  else planned.push(last);
}
