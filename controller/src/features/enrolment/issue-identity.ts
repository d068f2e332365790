import type { KeyObject } from "node:crypto";
import { AppError } from "@devflow/errors";
import { and, eq, gt, sql } from "drizzle-orm";
import type { Context } from "../../platform/context.ts";
import type { Database } from "../../platform/db/index.ts";
import { authority } from "./authority.ts";
import { makeAgentCertificate, newSerial } from "./certificates.ts";
import { agentUri, sha256Hex } from "./rules.ts";
import { agentIdentities } from "./schema.ts";

/** Certificates one server may get in an hour: a broken agent cannot fill the table. */
const maxAnHour = 12;

export interface IdentityRequest {
  readonly serverId: string;
  readonly organizationId: string;
  readonly tokenId: string | null;
  readonly publicKey: KeyObject;
}

/**
 * Signs a certificate for a server's key and records it in the transaction given. The caller has checked the proof.
 * Throws AppError conflict when the key was ever given a certificate, rate_limited when the server got too many.
 * @returns leaf and intermediate, PEM
 */
export async function issueIdentity(
  ctx: Context,
  tx: Pick<Database, "select" | "insert">,
  request: IdentityRequest,
): Promise<{ certificatePem: string; serial: string }> {
  const nowMs = ctx.clock.now();
  const keySha256 = sha256Hex(request.publicKey.export({ format: "der", type: "spki" }));
  const [recent] = await tx
    .select({ n: sql<number>`count(*)::int` })
    .from(agentIdentities)
    .where(and(eq(agentIdentities.serverId, request.serverId), gt(agentIdentities.issuedAt, new Date(nowMs - 3_600_000))));
  if ((recent?.n ?? 0) >= maxAnHour)
    throw new AppError(
      "rate_limited",
      `This server got ${maxAnHour} certificates within the hour. Wait an hour and look for what makes it ask so often.`,
    );
  const keys = await authority(ctx);
  const serial = newSerial();
  const signed = await makeAgentCertificate({
    issuer: keys.intermediate,
    agentId: request.serverId,
    uri: agentUri({ installationId: ctx.installation.id, epoch: ctx.installation.epoch, agentId: request.serverId }),
    publicKey: request.publicKey,
    serial,
    nowMs,
  });
  const inserted = await tx
    .insert(agentIdentities)
    .values({
      serial,
      serverId: request.serverId,
      organizationId: request.organizationId,
      tokenId: request.tokenId,
      keySha256,
      epoch: ctx.installation.epoch,
      issuedAt: new Date(nowMs),
      notAfter: new Date(signed.notAfterMs),
    })
    .onConflictDoNothing({ target: agentIdentities.keySha256 })
    .returning({ serial: agentIdentities.serial });
  if (inserted.length === 0)
    throw new AppError("conflict", "This key already has a certificate. Expected a key made for this request; make a new one.");
  return { certificatePem: signed.certificatePem + keys.intermediate.certificatePem, serial };
}
