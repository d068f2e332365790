import type { Context } from "../../platform/context.ts";

/** What a person should know about a server; web and API show code, message and since when. */
export type WarningCode = "clock_off" | "spool_dropped" | "spool_error" | "batches_rejected" | "cloned";

export interface SetWarning {
  readonly serverId: string;
  readonly organizationId: string;
  readonly code: WarningCode;
  /** In words for people; null takes the warning away. */
  readonly message: string | null;
}

/** Sets or takes away one warning of a server; its `since` survives a change of the message. */
export async function setWarning({ ctx, input }: { ctx: Context; input: SetWarning }): Promise<void> {
  const { serverId, organizationId, code, message } = input;
  const since = new Date(ctx.clock.now()).toISOString();
  const changed = await ctx.sql`
    update servers s set warnings = next.warnings
    from (
      select id,
        coalesce((select jsonb_agg(w) from jsonb_array_elements(warnings) w where w->>'code' <> ${code}), '[]'::jsonb)
        || case when ${message}::text is null then '[]'::jsonb else jsonb_build_array(jsonb_build_object('code', ${code}::text, 'message', ${message}::text, 'since',
          coalesce((select w->>'since' from jsonb_array_elements(warnings) w where w->>'code' = ${code}), ${since}::text))) end as warnings
      from servers where id = ${serverId} for update
    ) next
    where s.id = next.id and s.warnings <> next.warnings
    returning s.id`;
  if (changed.length > 0) ctx.bus.emit("server.changed", { organizationId, serverId });
}
