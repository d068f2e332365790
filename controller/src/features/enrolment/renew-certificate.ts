import { AppError } from "@devflow/errors";
import { eq } from "drizzle-orm";
import { writeAudit } from "../../platform/audit/index.ts";
import type { Context } from "../../platform/context.ts";
import type { AgentIdentity } from "../../platform/rpc/index.ts";
import { servers } from "../servers/schema.ts";
import { issueIdentity } from "./issue-identity.ts";
import { proves, readAgentKey, renewalProofBytes } from "./rules.ts";
import { agentIdentities } from "./schema.ts";
import { systemPrincipal } from "../../platform/auth/system-principal.ts";

export interface RenewCertificate {
  /** Of the connection that asks, never of the message. */
  readonly identity: AgentIdentity;
  /** As in RenewCertificateRequest. */
  readonly publicKey: Uint8Array;
  readonly proof: Uint8Array;
}

/**
 * Renews over Session. The old certificate stays good until its end, so that a lost answer costs nothing.
 * Throws AppError: invalid (key or proof), forbidden (revoked meanwhile), conflict (key used before), rate_limited.
 */
export async function renewCertificate({ ctx, input }: { ctx: Context; input: RenewCertificate }): Promise<{ certificatePem: string }> {
  const { identity } = input;
  const publicKey = readAgentKey(input.publicKey);
  if (publicKey === null) throw new AppError("invalid", "Expected an ECDSA P-256 public key (SPKI DER); something else came.");
  if (!proves(publicKey, renewalProofBytes(identity.serverId, input.publicKey), input.proof))
    throw new AppError("invalid", "The proof is not the new key's signature over this agent's id and key.");
  return ctx.db.transaction(async (tx) => {
    // Locked, so that a revocation at the same moment sees the new row or stops it.
    const [server] = await tx.select().from(servers).where(eq(servers.id, identity.serverId)).for("update");
    const [current] = await tx.select().from(agentIdentities).where(eq(agentIdentities.serial, identity.serial));
    if (!server || !current || server.revokedAt !== null || server.quarantinedAt !== null || current.revokedAt !== null)
      throw new AppError("forbidden", "The server was revoked or quarantined; its certificate is not renewed.");
    const issued = await issueIdentity(ctx, tx, {
      serverId: server.id,
      organizationId: server.organizationId,
      tokenId: current.tokenId,
      publicKey,
    });
    await writeAudit(tx, systemPrincipal(server.organizationId, server.name), {
      action: "servers.renew",
      targetKind: "server",
      targetId: server.id,
      before: { serial: current.serial },
      after: { serial: issued.serial },
    });
    return { certificatePem: issued.certificatePem };
  });
}
