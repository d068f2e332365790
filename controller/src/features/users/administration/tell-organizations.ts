import type { EventType } from "@devflow/api";
import { type AuditEntry, writeAudit } from "../../../platform/audit/index.ts";
import type { Principal } from "../../../platform/auth/index.ts";
import type { Database } from "../../../platform/db/index.ts";
import { type NewEvent, writeEvent } from "../../../platform/events/index.ts";

/**
 * Writes down what an administrator of the installation did to a user: in the audit log of the organisation that the
 * administrator works in, and as audit row and event in each organisation of the user.
 */
export async function tellOrganizations<T extends EventType>(
  tx: Pick<Database, "insert">,
  principal: Principal,
  organizationIds: readonly string[],
  entry: AuditEntry,
  event: NewEvent<T> | null,
): Promise<void> {
  for (const organizationId of new Set([principal.organizationId, ...organizationIds]))
    await writeAudit(tx, { ...principal, organizationId }, entry);
  if (event !== null) for (const organizationId of organizationIds) await writeEvent(tx, { ...principal, organizationId }, event);
}
