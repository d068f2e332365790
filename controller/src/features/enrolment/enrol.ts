import { createHash } from "node:crypto";
import type { EnrolRequest, EnrolResponse } from "@devflow/proto/enrolment/v1/enrolment";
import { and, eq, gt, isNull, lt, sql } from "drizzle-orm";
import { writeAudit } from "../../platform/audit/index.ts";
import type { Context } from "../../platform/context.ts";
import { taskSigningPublicKey } from "../../platform/crypto/index.ts";
import type { Database } from "../../platform/db/index.ts";
import { aboutServer, writeEvent } from "../../platform/events/index.ts";
import { servers } from "../servers/schema.ts";
import { gatewayCredentials } from "./authority.ts";
import { enrolError } from "./enrol-error.ts";
import { issueIdentity } from "./issue-identity.ts";
import { enrolmentProofBytes, proves, readAgentKey, sha256Hex } from "./rules.ts";
import { agentIdentities, enrolmentTokens } from "./schema.ts";
import { systemPrincipal } from "../../platform/auth/system-principal.ts";

type Transaction = Parameters<Parameters<Database["transaction"]>[0]>[0];
type Fields<T> = Omit<T, "$typeName" | "$unknown">;

const hostnamePattern = /^[\p{L}\p{N}._-]{1,253}$/u;

/**
 * Gives a server its identity for a token and the proof of a key. The token's use, the server, its identity and the
 * audit row are one transaction. Repeated with the same token and key (the answer was lost), it answers again and
 * counts no second use.
 * Throws AppError with details.enrolCode (enrol-error.ts).
 * @param input.address of the peer, for the audit log
 */
export async function enrol({
  ctx,
  input,
}: {
  ctx: Context;
  input: { request: Fields<EnrolRequest>; address: string | null };
}): Promise<Fields<EnrolResponse>> {
  const { request } = input;
  const publicKey = readAgentKey(request.publicKey);
  if (publicKey === null) throw enrolError("malformed", "public_key: expected an ECDSA P-256 public key (SPKI DER).");
  if (!hostnamePattern.test(request.hostname))
    throw enrolError("malformed", "hostname: expected 1 to 253 letters, digits, dots, dashes and underscores.");
  if (!/^[0-9a-f]{0,128}$/.test(request.machineFingerprint))
    throw enrolError("malformed", "machine_fingerprint: expected up to 128 hexadecimal digits.");
  if (!/^[\x20-\x7e]{0,64}$/.test(request.agentVersion))
    throw enrolError("malformed", "agent_version: expected up to 64 printable characters.");
  const tokenSha256 = sha256Hex(request.token);
  if (!proves(publicKey, enrolmentProofBytes(tokenSha256, request.publicKey), request.proof))
    throw enrolError("proof_wrong", "The proof is not the key's signature over this token and key.");

  const credentials = await gatewayCredentials(ctx);
  const enrolled = await ctx.db.transaction(async (tx) => {
    const keySha256 = createHash("sha256").update(request.publicKey).digest("hex");
    const { token, repeatedServerId } = await useToken(ctx, tx, tokenSha256, keySha256);
    const server = await place(ctx, tx, token, repeatedServerId, request);
    const issued = await issueIdentity(ctx, tx, {
      serverId: server.id,
      organizationId: server.organizationId,
      tokenId: token.id,
      publicKey,
    });
    const by = systemPrincipal(token.organizationId, `token ${token.prefix}…`, input.address);
    await writeAudit(tx, by, {
      action: "servers.enrol",
      targetKind: "server",
      targetId: server.id,
      after: {
        name: server.name,
        hostname: request.hostname,
        tokenId: token.id,
        serial: issued.serial,
        keepsHistory: token.replacesServerId !== null,
      },
    });
    // A repeated request is the same server once more.
    if (repeatedServerId === null)
      await writeEvent(tx, by, { type: "server.enrolled", ...aboutServer(server), data: { hostname: request.hostname } });
    return { server, certificatePem: issued.certificatePem, replaced: token.replacesServerId !== null };
  });
  const { server } = enrolled;
  // The machine that held this place before: its connection ends now.
  if (enrolled.replaced) ctx.bus.emit("server.revoked", { serverId: server.id, reason: "replaced by another machine" });
  ctx.bus.emit("server.changed", { organizationId: server.organizationId, serverId: server.id });
  ctx.bus.emit("events.written", {});
  return {
    agentId: server.id,
    certificatePem: enrolled.certificatePem,
    caPem: [...credentials.caPem],
    gatewayName: credentials.name,
    gatewayPort: ctx.config.gatewayPort,
    taskSigningKey: await taskSigningPublicKey(ctx.config),
    serverName: server.name,
    epoch: ctx.installation.epoch,
  };
}

type Token = typeof enrolmentTokens.$inferSelect;

/** Counts one use, whatever else happens at the same moment; the row stays locked until the transaction ends. */
async function useToken(
  ctx: Context,
  tx: Transaction,
  tokenSha256: string,
  keySha256: string,
): Promise<{ token: Token; repeatedServerId: string | null }> {
  const now = new Date(ctx.clock.now());
  const [token] = await tx
    .update(enrolmentTokens)
    .set({ uses: sql`${enrolmentTokens.uses} + 1` })
    .where(
      and(
        eq(enrolmentTokens.sha256, tokenSha256),
        isNull(enrolmentTokens.revokedAt),
        gt(enrolmentTokens.expiresAt, now),
        lt(enrolmentTokens.uses, enrolmentTokens.maxUses),
        // A repeated request is no second use.
        sql`not exists (select from ${agentIdentities} where ${agentIdentities.keySha256} = ${keySha256})`,
      ),
    )
    .returning();
  if (token !== undefined) return { token, repeatedServerId: null };

  const [refused] = await tx.select().from(enrolmentTokens).where(eq(enrolmentTokens.sha256, tokenSha256)).for("update");
  if (refused === undefined)
    throw enrolError("token_unknown", 'This enrolment token does not exist. Copy the whole line again from "Add a server".');
  if (refused.revokedAt !== null)
    throw enrolError("token_revoked", 'This enrolment token was revoked. Make a new one with "Add a server".');
  if (refused.expiresAt <= now)
    throw enrolError(
      "token_expired",
      `This enrolment token ended at ${refused.expiresAt.toISOString()}. Make a new one with "Add a server".`,
    );
  const [before] = await tx.select().from(agentIdentities).where(eq(agentIdentities.keySha256, keySha256));
  if (before?.tokenId === refused.id && before.revokedAt === null) {
    // Only the holder of the key can use the certificate, and it has none yet: the first answer was lost.
    await tx.delete(agentIdentities).where(eq(agentIdentities.serial, before.serial));
    return { token: refused, repeatedServerId: before.serverId };
  }
  if (before !== undefined) throw enrolError("malformed", "This key already has a certificate. Expected a key made for this enrolment.");
  throw enrolError(
    "token_used_up",
    `This enrolment token was used ${refused.uses} of ${refused.maxUses} times. Make a new one with "Add a server".`,
  );
}

/** The server's row: a new one, the one of the first attempt, or the one whose history is kept. */
async function place(ctx: Context, tx: Transaction, token: Token, repeatedServerId: string | null, request: Fields<EnrolRequest>) {
  const now = new Date(ctx.clock.now());
  const facts = {
    hostname: request.hostname,
    machineFingerprint: request.machineFingerprint === "" ? null : request.machineFingerprint,
    agentVersion: request.agentVersion === "" ? null : request.agentVersion,
    enrolledAt: now,
    stateSince: now,
  };
  const existing = repeatedServerId ?? token.replacesServerId;
  if (existing === null) {
    const [server] = await tx
      .insert(servers)
      .values({
        organizationId: token.organizationId,
        name: request.hostname.slice(0, 100),
        groupId: token.groupId,
        tags: token.tags,
        ...facts,
      })
      .returning();
    if (server === undefined) throw new Error("insert returned no row");
    return server;
  }
  if (repeatedServerId === null) {
    // Every key of the machine before is void; the new one is a new identity with the old history.
    await tx
      .update(agentIdentities)
      .set({ revokedAt: now })
      .where(and(eq(agentIdentities.serverId, existing), isNull(agentIdentities.revokedAt)));
  }
  const [server] = await tx
    .update(servers)
    .set({
      ...facts,
      ...(repeatedServerId === null && { revokedAt: null, quarantinedAt: null, monitorOnly: null, firstConnectedAt: null }),
    })
    .where(
      and(
        eq(servers.id, existing),
        eq(servers.organizationId, token.organizationId),
        // Whoever made the token may have had nothing to say where the server is now.
        repeatedServerId === null ? sql`${servers.groupId} is not distinct from ${token.groupId}` : undefined,
      ),
    )
    .returning();
  if (server === undefined)
    throw enrolError(
      "token_revoked",
      'The server whose history this token keeps was deleted or put into another group. Make a new token with "Add a server".',
    );
  return server;
}
