import { randomUUID } from "node:crypto";
import type { Principal } from "../../platform/auth/principal.ts";

/** The controller itself, or an agent that acts with a token instead of a person; for audit rows. */
export const systemPrincipal = (organizationId: string, name = "DevFlow", address: string | null = null): Principal => ({
  kind: "system",
  id: "system",
  name,
  organizationId,
  permission: "owner",
  address,
  requestId: randomUUID(),
});
