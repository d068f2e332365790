import type { Me } from "@devflow/api";
import { eq } from "drizzle-orm";
import { heldInParts, heldPermissions, type Identity, strongestRole } from "../../platform/auth/index.ts";
import { organizations, users } from "../../platform/auth/schema.ts";
import type { Context } from "../../platform/context.ts";
import { version } from "../../platform/version.ts";
import { serverGroups } from "../groups/schema.ts";

/** Who asks, and what they may do here. */
export async function readMe({ ctx, input: { identity } }: { ctx: Context; input: { identity: Identity } }): Promise<Me> {
  const [organization] = await ctx.db
    .select({ id: organizations.id, name: organizations.name })
    .from(organizations)
    .where(eq(organizations.id, identity.organizationId));
  const [user] = identity.kind === "user" ? await ctx.db.select().from(users).where(eq(users.id, identity.id)) : [];
  const groups = heldInParts(identity.access)
    ? await ctx.db
        .select({ id: serverGroups.id, teamId: serverGroups.teamId })
        .from(serverGroups)
        .where(eq(serverGroups.organizationId, identity.organizationId))
    : [];
  return {
    kind: identity.kind,
    user: user === undefined ? null : { id: user.id, name: user.name, email: user.email, emailVerified: user.emailVerified },
    organization: organization!,
    role: strongestRole(identity.access),
    permissions: heldPermissions(identity.access, groups),
    installationAdministrator: identity.access.installationAdministrator,
    version,
  };
}
