import { hostname } from "node:os";
import type { Context } from "../context.ts";
import { arrayLiteral } from "../db/index.ts";
import { version } from "../version.ts";

/** A controller process as the others know it. */
export interface Controller {
  readonly id: string;
  readonly hostname: string;
  readonly roles: readonly string[];
  /** host:port for live frames; null without the role gateway. */
  readonly internalAddress: string | null;
}

/** A controller that was silent for so long is none; each says every 10 s that it is there. */
export const staleAfterS = 45;

/**
 * Says that this controller is there and removes the rows of those that no longer do, by the database's clock.
 * @returns the others, and whether somebody is new or gone (this one included)
 */
export async function confirmController({
  ctx,
  input,
}: {
  ctx: Context;
  input: { internalAddress: string | null };
}): Promise<{ others: Controller[]; changed: boolean }> {
  const { id } = ctx.bus;
  const roles = arrayLiteral([...ctx.config.roles]);
  const [row] = await ctx.sql<{ others: Controller[] | null; changed: boolean }[]>`
    with gone as (
      delete from controllers where id <> ${id} and seen_at < now() - make_interval(secs => ${staleAfterS}) returning id
    ), own as (
      insert into controllers (id, hostname, roles, version, internal_address, started_at, seen_at)
      values (${id}, ${hostname()}, ${roles}::text[], ${version}, ${input.internalAddress}, now(), now())
      on conflict (id) do update set seen_at = now()
      returning (xmax = 0) as made
    )
    select (select made from own) or exists (select from gone) as changed, (
      select json_agg(json_build_object('id', id, 'hostname', hostname, 'roles', roles, 'internalAddress', internal_address) order by started_at, id)
      from controllers where id <> ${id} and id not in (select id from gone)
    ) as others`;
  return { others: row?.others ?? [], changed: row?.changed ?? false };
}

/** Takes this controller off the list, when it stops. */
export async function removeController(ctx: Context): Promise<void> {
  await ctx.sql`delete from controllers where id = ${ctx.bus.id}`;
}
