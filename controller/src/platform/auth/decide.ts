import { installationPermission, type Permission, permissions } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { counts, holds, holdsSomewhere, knows, type Scope } from "./access.ts";
import type { Principal } from "./principal.ts";

export type Decision = "allow" | "unauthenticated" | "not_found" | "forbidden";
export type Demand = "public" | "authenticated" | Permission | typeof installationPermission;

/** All that a route or topic can demand. */
export const demands: readonly string[] = ["public", "authenticated", installationPermission, ...permissions];

/**
 * The one place that decides, for HTTP, WebSocket, gRPC and jobs alike.
 * @param scope where the thing that is asked for belongs; null: it does not exist; undefined: the principal's whole
 *   organisation; "somewhere": lists, whose verb gives no more than what reachOf() says
 */
export function decide(principal: Principal | null, demand: Demand, scope?: Scope | "somewhere" | null): Decision {
  if (demand === "public") return "allow";
  if (principal === null) return "unauthenticated";
  // Another tenant's things are not there: the answer must not tell that they exist.
  if (scope === null || (typeof scope === "object" && scope.organizationId !== principal.organizationId)) return "not_found";
  if (demand === "authenticated") return "allow";
  const { access } = principal;
  if (demand === installationPermission) return access.installationAdministrator ? "allow" : "forbidden";
  if (scope === "somewhere") return holdsSomewhere(access, demand) ? "allow" : "forbidden";
  if (holds(access, demand, scope)) return counts(access, demand) ? "allow" : "forbidden";
  return scope === undefined || knows(access, scope) ? "forbidden" : "not_found";
}

/** Throws AppError unauthenticated, not_found or forbidden unless decide() allows. */
export function demandPermission(principal: Principal | null, demand: Demand, scope?: Scope | "somewhere" | null): void {
  const decision = decide(principal, demand, scope);
  if (decision === "allow") return;
  if (decision === "unauthenticated") {
    throw new AppError("unauthenticated", "This needs a session or an API token: sign in, or send Authorization: Bearer TOKEN");
  }
  if (decision === "not_found") throw new AppError("not_found", "There is nothing under this address");
  throw new AppError("forbidden", `This needs the permission "${demand}", which you do not have here. Ask an administrator`);
}
