import { AppError } from "@devflow/errors";
import { z } from "zod";
import type { Context } from "../context.ts";
import { type Api, defineRoute } from "./index.ts";

const health = z.object({ status: z.literal("ok") }).meta({ id: "Health" });

/** /healthz: this process answers. /readyz: it can work, that is, its database answers within 2 s. Both open. */
export function healthRoutes(api: Api, ctx: Context): void {
  const healthz = defineRoute({
    method: "get",
    path: "/healthz",
    permission: "public",
    limited: false,
    tag: "operation",
    summary: "Whether this process answers",
    response: health,
  });
  const readyz = defineRoute({
    method: "get",
    path: "/readyz",
    permission: "public",
    limited: false,
    tag: "operation",
    summary: "Whether the database answers too",
    response: health,
  });
  api.route(healthz, async () => ({ status: "ok" as const }));
  api.route(readyz, async () => {
    const late = AbortSignal.timeout(2_000);
    const waited = new Promise<never>((_, reject) =>
      late.addEventListener("abort", () => reject(new Error("no answer within 2 s")), { once: true }),
    );
    try {
      await Promise.race([ctx.sql`select 1`, waited]);
    } catch (cause) {
      throw new AppError("unavailable", "The database does not answer; see the controller's log", { cause });
    }
    return { status: "ok" as const };
  });
}
