import { z } from "zod";
import { permissions, roles } from "./permission-table.ts";

export * from "./permission-table.ts";

export const role = z.enum(roles).meta({ id: "Role" });
export const permission = z.enum(permissions).meta({ id: "Permission" });

/** Where a role is held: the whole organisation, what a team owns, one server group, or one project. */
export const grantScope = z
  .discriminatedUnion("kind", [
    z.object({ kind: z.literal("organization") }),
    z.object({ kind: z.literal("team"), id: z.uuid() }),
    z.object({ kind: z.literal("group"), id: z.uuid() }),
    z.object({ kind: z.literal("project"), id: z.uuid() }),
  ])
  .meta({ id: "GrantScope" });
export type GrantScope = z.infer<typeof grantScope>;

/** A built-in role by name, or a custom one by id. */
export const roleChoice = z.union([role, z.uuid()]).meta({ id: "RoleChoice" });
export type RoleChoice = z.infer<typeof roleChoice>;
