import { createPrivateKey } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { AppError } from "@devflow/errors";
import { RenewExpiredRequestSchema } from "@devflow/proto/enrolment/v1/enrolment";
import type { RenewExpiredOptions } from "../../feature.ts";
import { readAgentFile } from "../../state/agent-file.ts";
import { loadCredentials, stageCredentials } from "../../state/credentials.ts";
import { post } from "./enrol.ts";
import { ask } from "./request.ts";
import { expiredProof, makeKey } from "./wire.ts";

/**
 * Renews a certificate that has ended, by proof of its key, at the enrolment listener; stages the new pair beside the
 * old one. The time in the proof is the listener's: this machine's clock may be why it ended.
 * Throws AppError: forbidden (revoked, unknown, too late, somebody else answers), unavailable.
 */
export async function renewExpired(options: RenewExpiredOptions): Promise<void> {
  const { stateDir, signal } = options;
  const agent = await readAgentFile(stateDir);
  const [old] = (await loadCredentials(stateDir)).toSorted((a, b) => b.notAfterMs - a.notAfterMs);
  if (old === undefined) throw new AppError("invalid", `No certificate with its key in ${stateDir}; enrol this machine again`);
  const to = { host: agent.controllerHost, port: agent.enrolPort, trust: { ca: await readFile(join(stateDir, "ca.pem"), "utf8") }, signal };
  const { dateMs } = await ask({ ...to, path: "/ca.pem" });
  if (dateMs === null)
    throw new AppError("unavailable", `The enrolment port of ${agent.controllerHost} told no time; expected a Date header.`);
  const key = makeKey();
  const signedAtMs = BigInt(dateMs);
  const request = create(RenewExpiredRequestSchema, {
    certificatePem: old.certificatePem,
    publicKey: key.publicKey,
    oldKeyProof: expiredProof(createPrivateKey(old.keyPem), agent.agentId, signedAtMs, key.publicKey),
    newKeyProof: expiredProof(key.privateKey, agent.agentId, signedAtMs, key.publicKey),
    signedAtMs,
  });
  const answer = await post({ ...to, path: "/v1/renew", body: toBinary(RenewExpiredRequestSchema, request) });
  await stageCredentials(stateDir, key.keyPem, answer.certificatePem);
}
