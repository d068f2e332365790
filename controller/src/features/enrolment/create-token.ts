import { randomBytes } from "node:crypto";
import type { CreatedEnrolmentToken, CreateEnrolmentToken } from "@devflow/api";
import { AppError } from "@devflow/errors";
import { and, eq } from "drizzle-orm";
import { writeAudit } from "../../platform/audit/index.ts";
import { decide, demandPermission, type Principal } from "../../platform/auth/index.ts";
import type { Context } from "../../platform/context.ts";
import { writeEvent } from "../../platform/events/index.ts";
import type { Database } from "../../platform/db/index.ts";
import { placeInGroup } from "../groups/index.ts";
import { serverGroups } from "../groups/schema.ts";
import { servers } from "../servers/schema.ts";
import { authorityFacts } from "./authority.ts";
import { installCommands } from "./install-command.ts";
import { toApiToken } from "./list-tokens.ts";
import { sha256Hex } from "./rules.ts";
import { enrolmentTokens } from "./schema.ts";

const defaultExpiryMinutes = 60;

export type CreateTokenInput = CreateEnrolmentToken & {
  /** Host header of the request, for the install line when no public address is set; null without a request. */
  readonly requestHost: string | null;
};

/**
 * Makes a token that lets servers enrol; the answer is the only place where its secret ever stands.
 * Defaults: one use, 60 minutes, into no group, which needs "servers.enrol" over the whole organisation.
 * Throws AppError not_found (replacesServerId of no server of this organisation), invalid (several uses for one
 * server's place, no such group), forbidden, unavailable (no gateway has started yet).
 */
export async function createToken({
  ctx,
  principal,
  input,
}: {
  ctx: Context;
  principal: Principal;
  input: CreateTokenInput;
}): Promise<CreatedEnrolmentToken> {
  const maxUses = input.maxUses ?? 1;
  if (input.replacesServerId !== undefined && maxUses !== 1) {
    throw new AppError(
      "invalid",
      `A token that keeps a server's history is used once, but maxUses is ${maxUses}. Leave maxUses out, or replacesServerId.`,
    );
  }
  if (input.replacesServerId !== undefined && (input.groupId != null || input.tags !== undefined)) {
    throw new AppError(
      "invalid",
      "A server whose place is taken keeps its group and tags. Leave groupId and tags out, or replacesServerId.",
    );
  }
  const facts = await authorityFacts(ctx);
  const nowMs = ctx.clock.now();
  const secret = `dfe_${randomBytes(32).toString("base64url")}`;
  const row = await ctx.db.transaction(async (tx) => {
    const groupId =
      input.replacesServerId === undefined ? (input.groupId ?? null) : await groupOfReplaced(tx, principal, input.replacesServerId);
    if (input.replacesServerId === undefined) await placeInGroup(tx, principal, "servers.enrol", groupId);
    const [made] = await tx
      .insert(enrolmentTokens)
      .values({
        organizationId: principal.organizationId,
        name: input.name ?? `Token of ${new Date(nowMs).toISOString().slice(0, 16).replace("T", " ")} UTC`,
        prefix: secret.slice(0, 10),
        sha256: sha256Hex(secret),
        maxUses,
        groupId,
        tags: input.tags ?? [],
        replacesServerId: input.replacesServerId ?? null,
        createdBy: principal.userId,
        createdAt: new Date(nowMs),
        expiresAt: new Date(nowMs + (input.expiresInMinutes ?? defaultExpiryMinutes) * 60_000),
      })
      .returning();
    if (made === undefined) throw new Error("insert returned no row");
    await writeAudit(tx, principal, {
      action: "enrolment-tokens.create",
      targetKind: "enrolment-token",
      targetId: made.id,
      after: {
        name: made.name,
        prefix: made.prefix,
        maxUses,
        expiresAt: made.expiresAt,
        groupId,
        tags: made.tags,
        replacesServerId: made.replacesServerId,
      },
    });
    await writeEvent(tx, principal, {
      type: "enrolment-token.created",
      subject: { kind: "enrolment-token", id: made.id, name: made.name },
      groupId,
      data: {},
    });
    return made;
  });
  return { token: toApiToken(row, []), secret, ...installCommands(ctx, { secret, facts, requestHost: input.requestHost }) };
}

/** The group of a server whose place is to be taken, which needs "servers.enrol" there. Throws AppError not_found, forbidden. */
async function groupOfReplaced(tx: Pick<Database, "select">, principal: Principal, serverId: string): Promise<string | null> {
  const { organizationId } = principal;
  const [server] = await tx
    .select({ groupId: servers.groupId, teamId: serverGroups.teamId })
    .from(servers)
    .leftJoin(serverGroups, eq(serverGroups.id, servers.groupId))
    .where(and(eq(servers.id, serverId), eq(servers.organizationId, organizationId)));
  if (server === undefined || decide(principal, "servers.enrol", { organizationId, ...server }) === "not_found")
    throw new AppError("not_found", "There is no server with the id in replacesServerId.");
  demandPermission(principal, "servers.enrol", { organizationId, ...server });
  return server.groupId;
}
