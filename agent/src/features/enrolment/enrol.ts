import { createPublicKey, X509Certificate } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { AppError } from "@devflow/errors";
import { EnrolErrorSchema, EnrolRequestSchema, type EnrolResponse, EnrolResponseSchema } from "@devflow/proto/enrolment/v1/enrolment";
import type { EnrolOptions } from "../../feature.ts";
import { writeAgentFile } from "../../state/agent-file.ts";
import { writeFirstCredentials } from "../../state/credentials.ts";
import { machineFingerprint } from "../inventory/index.ts";
import { pinnedCa } from "./pinned-ca.ts";
import { ask, type Ask, type Trust } from "./request.ts";
import { enrolmentProof, makeKey, readFingerprint } from "./wire.ts";

const attempts = 3;
const pauseMs = 1_000;

/**
 * Gives this machine its identity: makes a key here, proves it together with the token to the controller whose CA has
 * the fingerprint given, and writes the state files; agent.json last, so that an interrupted enrolment counts for nothing.
 * A lost answer is asked for again with the same key, which costs no second use of the token.
 * Throws AppError: invalid (fingerprint, token), forbidden (refused, or somebody else answers), unavailable.
 */
export async function enrol(options: EnrolOptions): Promise<void> {
  const { controllerHost: host, enrolPort: port, stateDir, say } = options;
  const token = options.token.trim();
  if (!/^dfe_[A-Za-z0-9_-]{43}$/.test(token))
    throw new AppError("invalid", 'This is no enrolment token: expected dfe_ and 43 characters. Copy the whole line from "Add a server".');
  const trust = await settleTrust(options);
  const key = makeKey();
  const request = create(EnrolRequestSchema, {
    token,
    publicKey: key.publicKey,
    proof: enrolmentProof(key, token),
    hostname: cleanHostname(hostname()),
    machineFingerprint: machineFingerprint(),
    agentVersion: options.agentVersion,
  });
  const answer = await post({ host, port, path: "/v1/enrol", body: toBinary(EnrolRequestSchema, request), trust });
  checkIdentity(answer, options.caSha256);
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  await writeFirstCredentials(stateDir, {
    keyPem: key.keyPem,
    certificatePem: answer.certificatePem,
    caPem: answer.caPem.map((pem) => `${pem.trim()}\n`).join(""),
    taskSigningPem: createPublicKey({ key: Buffer.from(answer.taskSigningKey), format: "der", type: "spki" })
      .export({ format: "pem", type: "spki" })
      .toString(),
  });
  await writeAgentFile(stateDir, {
    controllerHost: host,
    gatewayPort: answer.gatewayPort,
    enrolPort: port,
    gatewayName: answer.gatewayName,
    agentId: answer.agentId,
  });
  say(`Enrolled as ${answer.serverName} (${answer.agentId}).`);
}

/** Fetches the CA over an unverified connection and believes it by its fingerprint alone. */
async function settleTrust({ controllerHost: host, enrolPort: port, caSha256 }: EnrolOptions): Promise<Trust> {
  if (caSha256 === null) return "system";
  const fingerprint = readFingerprint(caSha256);
  if (fingerprint === null)
    throw new AppError("invalid", "--ca: expected the CA's SHA-256 fingerprint, 64 hexadecimal digits. Copy the whole line again.");
  const answer = await retried(() => ask({ host, port, path: "/ca.pem", trust: "nobody" }));
  if (answer.status !== 200)
    throw new AppError("unavailable", `The controller answered ${answer.status} for its CA: ${answer.body.toString().slice(0, 300)}`);
  return { ca: pinnedCa(answer.body.toString(), fingerprint) };
}

/** Posts a request of enrolment.v1, again after a failure of the network. Throws AppError forbidden with the controller's own words. */
export async function post(options: Ask): Promise<EnrolResponse> {
  const answer = await retried(() => ask(options));
  if (answer.status === 200) return fromBinary(EnrolResponseSchema, answer.body);
  let said: { code: string; message: string };
  try {
    said = fromBinary(EnrolErrorSchema, answer.body);
  } catch (cause) {
    throw new AppError(
      "unavailable",
      `Expected DevFlow's enrolment port at ${options.host}:${options.port}, but something else answered ${answer.status}.`,
      { cause },
    );
  }
  const later = said.code === "internal" || said.code === "rate_limited";
  throw new AppError(later ? "unavailable" : "forbidden", said.message || `The controller refused: ${said.code}.`, {
    details: { code: said.code },
  });
}

async function retried<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === attempts || !(error instanceof AppError) || error.code !== "unavailable") throw error;
      await sleep(pauseMs * attempt);
    }
  }
}

/** What comes must fit together, or the agent would be enrolled and never connect. */
function checkIdentity(answer: EnrolResponse, caSha256: string | null): void {
  const leaf = new X509Certificate(answer.certificatePem);
  if (leaf.subject !== `CN=${answer.agentId}`)
    throw new AppError("invalid", `The certificate that came is for ${leaf.subject}, expected CN=${answer.agentId}.`);
  if (caSha256 !== null) pinnedCa(answer.caPem.join("\n"), readFingerprint(caSha256) ?? "");
}

/** Letters, digits, dots, dashes and underscores: what the controller takes. */
export const cleanHostname = (name: string): string => name.replaceAll(/[^\p{L}\p{N}._-]/gu, "-").slice(0, 253) || "unnamed";
