import type { Permission } from "@devflow/api";
import { type Access, holds, type Scope } from "../../../platform/auth/index.ts";

/** Permissions at a place; scope undefined: over the whole organisation. */
export interface Placed {
  readonly permissions: ReadonlySet<Permission>;
  readonly scope: Scope | undefined;
}

/**
 * The first permission of `placed` that access does not hold at that very place; null when it holds all of them. The
 * one rule behind giving roles and behind changing people: nobody gives more than they have, nor touches who has more.
 */
export function firstMissing(access: Access, placed: readonly Placed[]): Permission | null {
  for (const { permissions, scope } of placed) {
    for (const permission of permissions) if (!holds(access, permission, scope)) return permission;
  }
  return null;
}

/** Whether somebody with `access` may change a principal with these grants. */
export const mayChange = (access: Access, placed: readonly Placed[]): boolean => firstMissing(access, placed) === null;
