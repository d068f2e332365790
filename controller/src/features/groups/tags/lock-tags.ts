import { sql } from "drizzle-orm";
import type { Database } from "../../../platform/db/index.ts";

/** Renames and deletions of tags go one after the other in an organisation, so that two cannot wait for each other's servers. */
export async function lockTags(tx: Pick<Database, "execute">, organizationId: string): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtext('tags'), hashtext(${organizationId}))`);
}
