import type { Principal } from "../auth/principal.ts";
import type { Context } from "../context.ts";
import { writeAudit } from "./index.ts";

/** Notes what known principals were refused, in aggregate: one row for each principal and action in a period. */
export interface Refusals {
  note(principal: Principal, action: string): void;
  flush(): Promise<void>;
  close(): Promise<void>;
}

interface Gathered {
  readonly principal: Principal;
  readonly action: string;
  readonly sinceMs: number;
  count: number;
}

/**
 * @param everyMs how often rows are written; default once a minute
 * @param maxKeys principals × actions kept between two writes; more are counted together as "other"
 */
export function createRefusals(ctx: Context, everyMs = 60_000, maxKeys = 1_000): Refusals {
  let gathered = new Map<string, Gathered>();
  const flush = async () => {
    const rows = [...gathered.values()];
    gathered = new Map();
    if (rows.length === 0) return;
    await ctx.db.transaction(async (tx) => {
      for (const { principal, action, count, sinceMs } of rows) {
        await writeAudit(tx, principal, {
          action,
          targetKind: "route",
          targetId: action,
          outcome: "refused",
          after: { count, since: new Date(sinceMs).toISOString() },
        });
      }
    });
  };
  const timer = setInterval(() => {
    flush().catch((error: unknown) => ctx.log.warn({ scope: "audit", err: error }, "could not write down refusals"));
  }, everyMs);
  timer.unref();
  return {
    note(principal, wanted) {
      const exact = `${principal.kind}:${principal.id}:${wanted}`;
      const action = gathered.has(exact) || gathered.size < maxKeys ? wanted : "other";
      const key = action === wanted ? exact : `${principal.organizationId}:other`;
      const known = gathered.get(key);
      if (known === undefined) gathered.set(key, { principal, action, sinceMs: ctx.clock.now(), count: 1 });
      else known.count += 1;
    },
    flush,
    async close() {
      clearInterval(timer);
      await flush();
    },
  };
}
