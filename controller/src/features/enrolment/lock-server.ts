import { AppError } from "@devflow/errors";
import { and, eq } from "drizzle-orm";
import type { Database } from "../../platform/db/index.ts";
import { servers } from "../servers/schema.ts";

/**
 * The organisation's server, which nobody else changes until the transaction ends.
 * Throws AppError not_found, also for another organisation's server.
 */
export async function lockServer(
  tx: Pick<Database, "select">,
  organizationId: string,
  serverId: string,
): Promise<typeof servers.$inferSelect> {
  const [server] = await tx
    .select()
    .from(servers)
    .where(and(eq(servers.id, serverId), eq(servers.organizationId, organizationId)))
    .for("update");
  if (server === undefined) throw new AppError("not_found", "There is no such server.");
  return server;
}
