import { randomUUID } from "node:crypto";
import { roleAccess } from "./access.ts";
import type { Principal } from "./principal.ts";

/** The controller itself, or an agent that acts with a token instead of a person; for audit rows and events. */
export const systemPrincipal = (organizationId: string, name = "DevFlow", address: string | null = null): Principal => ({
  kind: "system",
  id: "system",
  name,
  organizationId,
  userId: null,
  access: roleAccess("owner", organizationId),
  address,
  requestId: randomUUID(),
});
