import { AppError } from "@devflow/errors";
import { sql } from "drizzle-orm";
import { writeAudit } from "../../platform/audit/index.ts";
import type { Database } from "../../platform/db/index.ts";
import { installation } from "../../platform/db/schema.ts";
import { systemPrincipal } from "../../platform/auth/system-principal.ts";

/** Numbers given between the backup and the restore, at most; they must not be given to others now. */
const advance = { integer: 100_000, bigint: 10_000_000 };

export interface AfterRestore {
  readonly epoch: number;
  /** Sequences that were moved on. */
  readonly sequences: readonly string[];
}

/**
 * To be run once, with all controllers stopped, after the database was put back to an older state. Raises the epoch, so
 * that certificates given after the backup are recognised and quarantined instead of called deleted (identify-agent.ts),
 * and moves every sequence on, so that no server number or audit number is given twice. Agents that the database knows
 * connect as before.
 * Throws AppError conflict when a number would leave its range, internal when the database holds no installation.
 */
export async function afterRestore({ db, input }: { db: Database; input: { defaultOrganizationId: string } }): Promise<AfterRestore> {
  return db.transaction(async (tx) => {
    const [row] = await tx
      .update(installation)
      .set({ epoch: sql`${installation.epoch} + 1` })
      .returning();
    if (row === undefined) throw new AppError("internal", "The database holds no installation. Is it the one that was restored?");
    const sequences = (await tx.execute(sql`
      select quote_ident(schemaname) || '.' || quote_ident(sequencename) as name, data_type::text as type, max_value, last_value
      from pg_sequences where schemaname = 'public' order by 1`)) as unknown as {
      name: string;
      type: string;
      max_value: string;
      last_value: string | null;
    }[];
    for (const { name, type, max_value, last_value } of sequences) {
      const next = BigInt(last_value ?? 0) + BigInt(type === "bigint" ? advance.bigint : advance.integer);
      if (next > BigInt(max_value))
        throw new AppError(
          "conflict",
          `The sequence ${name} stands at ${last_value} and cannot be moved on to ${next}; its limit is ${max_value}.`,
        );
      await tx.execute(sql`select setval(${name}::regclass, ${next.toString()}::bigint)`);
    }
    // Transactions of this database are counted anew; those of the events say nothing beside them any more.
    await tx.execute(sql`update events set transaction = '0' where transaction <> '0'`);
    await tx.execute(sql`update event_cursors set transaction = '0' where transaction <> '0'`);
    const names = sequences.map(({ name }) => name);
    await writeAudit(tx, systemPrincipal(input.defaultOrganizationId, "devflow admin"), {
      action: "installation.after-restore",
      targetKind: "installation",
      targetId: row.id,
      before: { epoch: row.epoch - 1 },
      after: { epoch: row.epoch, sequences: names },
    });
    return { epoch: row.epoch, sequences: names };
  });
}
