import type { X509Certificate } from "node:crypto";
import type { Context } from "../../platform/context.ts";
import type { AgentIdentity, IdentityAnswer } from "../../platform/rpc/index.ts";
import { quarantineUnknown } from "./quarantine-unknown.ts";
import { type CertifiedAgent, parseAgentUri, sha256Hex } from "./rules.ts";
import { createFindIdentity, type FindIdentity } from "./find-identity.ts";
import { spkiOf } from "./spki.ts";

export interface AgentIdentifier {
  /**
   * Settles who a TLS peer is.
   * @param certificate the peer's leaf, whose chain up to `gatewayCredentials().caPem` the TLS layer has verified
   */
  identify(certificate: X509Certificate): Promise<IdentityAnswer>;
  /** Ends the subscriptions that keep the cache honest. */
  close(): void;
}

/** Answers kept; at 10,000 agents that all come back at once this saves as many queries. */
const maxCached = 20_000;
/** Revocations empty it, those of other controllers too; one that never got here counts at the latest after this. */
const cacheMs = 60_000;

/** The gateway's question "who is this?", with a cache that a revocation empties. One for each gateway. */
export function identifyAgent(ctx: Context): AgentIdentifier {
  const cache = new Map<string, { identity: AgentIdentity; notAfterMs: number; untilMs: number }>();
  const find = createFindIdentity(ctx.sql);
  // Raised by each revocation: an answer read from the database before it must not be kept after it.
  let generation = 0;
  const forget = ({ serverId }: { serverId: string }): void => {
    generation++;
    for (const [key, { identity }] of cache) if (identity.serverId === serverId) cache.delete(key);
  };
  const forgetAll = (): void => {
    generation++;
    cache.clear();
  };
  const ends = [ctx.bus.on("server.revoked", forget), ctx.bus.on("server.removed", forget), ctx.bus.on("bus.resumed", forgetAll)];

  return {
    async identify(leaf) {
      const key = sha256Hex(leaf.raw);
      const nowMs = ctx.clock.now();
      const known = cache.get(key);
      if (known !== undefined && known.untilMs > nowMs && known.notAfterMs > nowMs) return { identity: known.identity };
      cache.delete(key);
      const before = generation;
      const answer = await look(ctx, find, leaf);
      if (answer.identity !== undefined && before === generation) {
        const oldest = cache.size >= maxCached ? cache.keys().next().value : undefined;
        if (oldest !== undefined) cache.delete(oldest);
        cache.set(key, { identity: answer.identity, notAfterMs: leaf.validToDate.getTime(), untilMs: nowMs + cacheMs });
      }
      return answer;
    },
    close: () => ends.forEach((end) => end()),
  };
}

type Reason = "unknown" | "revoked" | "quarantined" | "unavailable" | "foreign_installation" | "expired" | "malformed";
const refuse = (reason: Reason, message: string): IdentityAnswer => ({ refusal: { reason, message } });

async function look(ctx: Context, find: FindIdentity, certificate: X509Certificate): Promise<IdentityAnswer> {
  const read = readAgentCertificate(certificate, spkiOf(certificate.raw));
  if (read === null)
    return refuse(
      "malformed",
      "Expected an agent's certificate, but this one has no identity of the form that this controller gives. Enrol the server again.",
    );
  const { agent, serial, keySha256, notAfterMs } = read;
  const nowMs = ctx.clock.now();
  if (notAfterMs <= nowMs)
    return refuse("expired", `The certificate ended at ${new Date(notAfterMs).toISOString()}. The agent renews it at the enrolment port.`);
  if (agent.installationId !== ctx.installation.id)
    return refuse(
      "foreign_installation",
      `The certificate belongs to installation ${agent.installationId}, this is ${ctx.installation.id}. Enrol the server here.`,
    );
  if (agent.epoch > ctx.installation.epoch) {
    return refuse(
      "unavailable",
      `The certificate is of epoch ${agent.epoch} and this database of ${ctx.installation.epoch}: it was restored from a backup. Run "devflow admin after-restore".`,
    );
  }
  const row = await find(serial);
  if (row === undefined) {
    if (agent.epoch < ctx.installation.epoch && (await quarantineUnknown({ ctx, input: { agent, serial, keySha256, notAfterMs } }))) {
      return refuse(
        "quarantined",
        "The controller's database was restored from a backup that does not know this certificate. An operator must release the server in the web UI.",
      );
    }
    return refuse("unknown", "This certificate is not known: the server was deleted. Enrol it again, or uninstall the agent.");
  }
  // Serial and key were issued together; a row that says otherwise is not this certificate's.
  if (row.serverId !== agent.agentId || row.keySha256 !== keySha256)
    return refuse("unknown", "The certificate does not match its record. Enrol the server again.");
  if (row.identityRevokedAt !== null || row.serverRevokedAt !== null)
    return refuse("revoked", "The server was revoked. Enrol it again with a new token, or uninstall the agent.");
  if (row.quarantinedAt !== null) return refuse("quarantined", "The server is quarantined until an operator releases it in the web UI.");
  return { identity: { serverId: row.serverId, serverNo: row.serverNo, organizationId: row.organizationId, serial } };
}

/**
 * Reads what an agent's certificate says; null when it is not one of ours. Verifies no signature.
 * @param spki its public key (DER); by default as OpenSSL reads it, which is what counts for a certificate that
 *   nobody has verified
 */
export function readAgentCertificate(
  parsed: X509Certificate,
  spki: Uint8Array = parsed.publicKey.export({ format: "der", type: "spki" }),
): { agent: CertifiedAgent; serial: string; keySha256: string; notAfterMs: number } | null {
  const agent = parseAgentUri(/^URI:(.*)$/.exec(parsed.subjectAltName ?? "")?.[1] ?? "");
  if (agent === null || parsed.subject !== `CN=${agent.agentId}`) return null;
  const keySha256 = sha256Hex(spki);
  return { agent, serial: parsed.serialNumber.toLowerCase(), keySha256, notAfterMs: parsed.validToDate.getTime() };
}
