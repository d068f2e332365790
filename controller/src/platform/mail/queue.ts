import type { MailFailure } from "@devflow/api";
import type { Context } from "../context.ts";

const shown = 5;

interface Row {
  waiting: number;
  queuedAt: Date | null;
  attempts: number;
  reason: string | null;
  givenUpAt: Date | null;
}

/** How many mails wait, and the newest of those that failed: so that an administrator sees that mail does not arrive. */
export async function readMailQueue({ sql }: Pick<Context, "sql">): Promise<{ waiting: number; failures: MailFailure[] }> {
  const rows = await sql<Row[]>`
    with failed as (
      select created_at, attempts, last_error, given_up_at from mails where last_error is not null
      order by coalesce(given_up_at, next_attempt_at) desc limit ${shown})
    select (select count(*)::int from mails where given_up_at is null) as waiting,
      failed.created_at as "queuedAt", failed.attempts, failed.last_error as reason, failed.given_up_at as "givenUpAt"
    from (values (1)) one left join failed on true order by coalesce(failed.given_up_at, failed.created_at) desc`;
  const failures = rows.flatMap(({ queuedAt, attempts, reason, givenUpAt }) =>
    queuedAt === null || reason === null
      ? []
      : [{ queuedAt: queuedAt.toISOString(), attempts, reason, givenUpAt: givenUpAt?.toISOString() ?? null }],
  );
  return { waiting: rows[0]?.waiting ?? 0, failures };
}
