import { demandPermission, type Principal, type Scope } from "../../auth/index.ts";
import type { RouteDefinition } from "../route.ts";

/** Where the thing of that kind and id belongs, seen from an organisation; null when it is not there. */
export type ScopeOf = (kind: string, id: string, organizationId: string) => Promise<Scope | null>;

/** Notes what an authenticated principal was refused; see platform/audit/refusals. */
export type OnRefused = (principal: Principal, action: string) => void;

/**
 * May they? Throws AppError unauthenticated, not_found (also for another organisation's things and ids that cannot
 * be) or forbidden; what somebody known was refused is noted.
 */
export async function permit(
  definition: RouteDefinition,
  principal: Principal | null,
  params: Record<string, string>,
  scopeOf: ScopeOf,
  onRefused: OnRefused,
): Promise<void> {
  const { permission, scope } = definition;
  // Asked first, so that nobody without credentials makes us look anything up.
  if (permission !== "public") demandPermission(principal, "authenticated");
  if (definition.params !== undefined && !definition.params.safeParse(params).success) demandPermission(principal, permission, null);
  // No id holds it, and PostgreSQL refuses to look for it.
  if (Object.values(params).some((text) => text.includes("\0"))) demandPermission(principal, permission, null);
  // Their verbs look at whose it is; what has no person has none of them.
  if (scope === "own" && principal !== null && principal.kind !== "user") demandPermission(principal, permission, null);
  const place =
    scope === undefined || scope === "own"
      ? undefined
      : scope === "somewhere"
        ? scope
        : await scopeOf(scope, params["id"] ?? "", principal?.organizationId ?? "");
  try {
    demandPermission(principal, permission, place);
    if (definition.reads !== undefined) demandPermission(principal, definition.reads, place);
  } catch (error) {
    if (principal !== null) onRefused(principal, `${definition.method} ${definition.path}`);
    throw error;
  }
}
