import { permissions, type Permission } from "@devflow/api";
import { AppError } from "@devflow/errors";
import type { Principal } from "./principal.ts";

/** Where the thing that is asked for belongs. */
export interface Scope {
  readonly organizationId: string;
}

export type Decision = "allow" | "unauthenticated" | "not_found" | "forbidden";

/** Whether `held` is `demanded` or stronger. */
export function covers(held: Permission, demanded: Permission): boolean {
  return permissions.indexOf(held) >= permissions.indexOf(demanded);
}

/** The weaker of two permissions. */
export function weaker(a: Permission, b: Permission): Permission {
  return covers(a, b) ? b : a;
}

/**
 * The one place that decides, for HTTP, WebSocket, gRPC and jobs alike.
 * @param scope null: what was asked for does not exist; undefined: the principal's own organisation
 */
export function decide(principal: Principal | null, demand: "public" | "authenticated" | Permission, scope?: Scope | null): Decision {
  if (demand === "public") return "allow";
  if (principal === null) return "unauthenticated";
  // Another tenant's things are not there: the answer must not tell that they exist.
  if (scope === null || (scope !== undefined && scope.organizationId !== principal.organizationId)) return "not_found";
  if (demand === "authenticated") return "allow";
  return permissions.includes(demand) && covers(principal.permission, demand) ? "allow" : "forbidden";
}

/** Throws AppError unauthenticated, not_found or forbidden unless decide() allows. */
export function demandPermission(principal: Principal | null, demand: "public" | "authenticated" | Permission, scope?: Scope | null): void {
  const decision = decide(principal, demand, scope);
  if (decision === "allow") return;
  if (decision === "unauthenticated") {
    throw new AppError("unauthenticated", "This needs a session or an API token: sign in, or send Authorization: Bearer TOKEN");
  }
  if (decision === "not_found") throw new AppError("not_found", "There is nothing under this address");
  throw new AppError("forbidden", `This needs the role "${demand}"; yours is "${principal?.permission}". Ask an administrator`);
}
