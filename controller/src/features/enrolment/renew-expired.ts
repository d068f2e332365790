import { X509Certificate } from "node:crypto";
import type { EnrolResponse, RenewExpiredRequest } from "@devflow/proto/enrolment/v1/enrolment";
import { eq } from "drizzle-orm";
import { writeAudit } from "../../platform/audit/index.ts";
import type { Context } from "../../platform/context.ts";
import { taskSigningPublicKey } from "../../platform/crypto/index.ts";
import { servers } from "../servers/schema.ts";
import { gatewayCredentials } from "./authority.ts";
import { enrolError } from "./enrol-error.ts";
import { readAgentCertificate } from "./identify-agent.ts";
import { issueIdentity } from "./issue-identity.ts";
import { expiredRenewalProofBytes, lifetimes, proves, readAgentKey, renewalSkewMs } from "./rules.ts";
import { agentIdentities } from "./schema.ts";
import { systemPrincipal } from "../../platform/auth/system-principal.ts";

type Fields<T> = Omit<T, "$typeName" | "$unknown">;

/**
 * A new certificate for an identity that expired and was not revoked, by proof of its old key.
 * What the old certificate says counts only as far as the database has the same key under the same serial.
 * Throws AppError with details.enrolCode.
 */
export async function renewExpired({
  ctx,
  input,
}: {
  ctx: Context;
  input: { request: Fields<RenewExpiredRequest>; address: string | null };
}): Promise<Fields<EnrolResponse>> {
  const { request } = input;
  const old = parse(request.certificatePem);
  const read = old === null ? null : readAgentCertificate(old);
  if (old === null || read === null) throw enrolError("malformed", "certificate_pem: expected the agent's own certificate.");
  const publicKey = readAgentKey(request.publicKey);
  if (publicKey === null) throw enrolError("malformed", "public_key: expected an ECDSA P-256 public key (SPKI DER).");
  const nowMs = ctx.clock.now();
  const offMs = Math.abs(Number(request.signedAtMs) - nowMs);
  if (!(offMs <= renewalSkewMs))
    throw enrolError(
      "proof_wrong",
      `signed_at_ms is ${Math.round(offMs / 1000)} s off this controller's clock, at most ${renewalSkewMs / 1000} s are allowed. Take the time from the Date header.`,
    );
  const proofBytes = expiredRenewalProofBytes(read.agent.agentId, request.signedAtMs, request.publicKey);
  if (!proves(old.publicKey, proofBytes, request.oldKeyProof))
    throw enrolError("proof_wrong", "old_key_proof is not the old key's signature over this request.");
  if (!proves(publicKey, proofBytes, request.newKeyProof))
    throw enrolError("proof_wrong", "new_key_proof is not the new key's signature over this request.");

  const credentials = await gatewayCredentials(ctx);
  const renewed = await ctx.db.transaction(async (tx) => {
    const [server] = await tx.select().from(servers).where(eq(servers.id, read.agent.agentId)).for("update");
    const [identity] = await tx.select().from(agentIdentities).where(eq(agentIdentities.serial, read.serial));
    if (
      server === undefined ||
      identity === undefined ||
      identity.serverId !== server.id ||
      identity.keySha256 !== read.keySha256 ||
      read.agent.installationId !== ctx.installation.id
    ) {
      throw enrolError("identity_unknown", "This controller does not know the certificate. Enrol the server again.");
    }
    if (server.revokedAt !== null || identity.revokedAt !== null)
      throw enrolError("identity_revoked", "The server was revoked. Enrol it again with a new token.");
    if (server.quarantinedAt !== null)
      throw enrolError("identity_revoked", "The server is quarantined until an operator releases it in the web UI.");
    if (nowMs > identity.notAfter.getTime() + lifetimes.renewableAfterExpiryMs) {
      throw enrolError(
        "too_late",
        `The certificate ended at ${identity.notAfter.toISOString()}, more than 180 days ago. Enrol the server again.`,
      );
    }
    const issued = await issueIdentity(ctx, tx, {
      serverId: server.id,
      organizationId: server.organizationId,
      tokenId: identity.tokenId,
      publicKey,
    });
    await writeAudit(tx, systemPrincipal(server.organizationId, server.name, input.address), {
      action: "servers.renew-expired",
      targetKind: "server",
      targetId: server.id,
      before: { serial: identity.serial, notAfter: identity.notAfter },
      after: { serial: issued.serial },
    });
    return { server, certificatePem: issued.certificatePem };
  });
  return {
    agentId: renewed.server.id,
    certificatePem: renewed.certificatePem,
    caPem: [...credentials.caPem],
    gatewayName: credentials.name,
    gatewayPort: ctx.config.gatewayPort,
    taskSigningKey: await taskSigningPublicKey(ctx.config),
    serverName: renewed.server.name,
    epoch: ctx.installation.epoch,
  };
}

function parse(pem: string): X509Certificate | null {
  try {
    return new X509Certificate(pem);
  } catch {
    return null; // not a certificate
  }
}
