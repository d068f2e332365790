import { and, inArray, isNull } from "drizzle-orm";
import { teamMembers } from "../../../platform/auth/schema.ts";
import type { Context } from "../../../platform/context.ts";
import type { Database } from "../../../platform/db/index.ts";
import { apiTokens } from "../../tokens/schema.ts";
import type { PrincipalKind } from "./stored.ts";

export interface Revoked {
  readonly kind: "user" | "token";
  readonly id: string;
}

/** The users and tokens whose access changes with grants of these principals; read before members or tokens go. */
export async function behind(
  tx: Pick<Database, "select" | "selectDistinct">,
  principals: readonly { principalKind: PrincipalKind; principalId: string }[],
): Promise<Revoked[]> {
  const ids = (kind: PrincipalKind) => [
    ...new Set(principals.filter(({ principalKind }) => principalKind === kind).map(({ principalId }) => principalId)),
  ];
  const [teamIds, serviceIds] = [ids("team"), ids("service")];
  const members =
    teamIds.length === 0
      ? []
      : await tx.selectDistinct({ id: teamMembers.userId }).from(teamMembers).where(inArray(teamMembers.teamId, teamIds));
  const tokens =
    serviceIds.length === 0
      ? []
      : await tx
          .select({ id: apiTokens.id })
          .from(apiTokens)
          .where(and(inArray(apiTokens.serviceAccountId, serviceIds), isNull(apiTokens.revokedAt)));
  return [
    ...[...new Set([...ids("user"), ...members.map(({ id }) => id)])].map((id) => ({ kind: "user" as const, id })),
    ...[...ids("token"), ...tokens.map(({ id }) => id)].map((id) => ({ kind: "token" as const, id })),
  ];
}

/** Tells all controllers, after the commit: sockets of these close and what is cached of them is forgotten, now. */
export function tellRevoked(ctx: Pick<Context, "bus">, revoked: readonly Revoked[]): void {
  for (const { kind, id } of revoked) ctx.bus.emit("principal.revoked", { kind, id });
}
