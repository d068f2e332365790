import type { Permission } from "@devflow/api";
import { type Part, type Principal, reachOf } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";
import { withinPartsSql } from "../groups/index.ts";

/** The parts of its organisation where a principal holds a permission on servers, and a key that is the same for equal reaches. */
export interface Reach {
  readonly parts: readonly Part[];
  readonly key: string;
}

export function serverReach(principal: Principal, permission: Permission = "servers.read"): Reach {
  const parts = reachOf(principal.access, permission);
  return { parts, key: parts.length === 0 ? "" : JSON.stringify(parts) };
}

/** SQL " and …" that keeps of servers s those within reach; empty when that is the whole organisation. */
export const withinReachSql = (ctx: Pick<Context, "sql">, { parts }: Reach) => withinPartsSql(ctx, parts, ctx.sql`s.group_id`);
