import { randomUUID } from "node:crypto";
import { type Principal, roleAccess } from "../../platform/auth/index.ts";

/** The controller itself, or an agent that acts with a token instead of a person; for audit rows. */
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
