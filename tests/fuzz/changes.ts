import type { Sql } from "postgres";

/** What a request changed: "insert servers", "update users name,email". */
export interface Changes {
  /** Since the last call. */
  take(): Promise<string[]>;
}

/**
 * Tables, or columns of them, that a refused request may write: they are about requests themselves. A whole table when
 * no columns stand there.
 */
const ofRequests: Readonly<Record<string, readonly string[]>> = {
  audit_log: [],
  limit_windows: [],
  idempotency_keys: [],
  // Written behind the answer to somebody else, so that its time tells nobody which addresses are known.
  verifications: [],
  mails: [],
  sessions: ["last_used_at", "last_used_address", "updated_at", "expires_at"],
  api_tokens: ["last_used_at", "last_used_address"],
};

/** Notes every change of every row from now on, by triggers that see what is committed and nothing else. */
export async function watchChanges(sql: Sql): Promise<Changes> {
  await sql.unsafe(`
    create schema fuzz;
    create table fuzz.changes (id bigint generated always as identity, what text not null);
    create function fuzz.note() returns trigger language plpgsql security definer as $$
    declare
      changed text[] := '{}';
      free jsonb := '${JSON.stringify(ofRequests)}'::jsonb -> tg_argv[0];
    begin
      if tg_op = 'UPDATE' then
        select coalesce(array_agg(n.key order by n.key), '{}') into changed from jsonb_each(to_jsonb(new)) n
          where n.value is distinct from to_jsonb(old) -> n.key and (free is null or not free ? n.key);
        if changed = '{}' then return null; end if;
      end if;
      insert into fuzz.changes (what) values (lower(tg_op) || ' ' || tg_argv[0] || ' ' || array_to_string(changed, ','));
      return null;
    end $$;`);
  const tables = await sql<{ name: string }[]>`
    select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition`;
  for (const { name } of tables) {
    if (ofRequests[name]?.length === 0) continue;
    await sql.unsafe(
      `create trigger fuzz_note after insert or update or delete on "${name}" for each row execute function fuzz.note('${name}')`,
    );
  }
  return {
    async take() {
      const rows = await sql<{ what: string }[]>`delete from fuzz.changes returning what`;
      return rows.map(({ what }) => what.trim());
    },
  };
}
