import { X509Certificate } from "node:crypto";
import { eq } from "drizzle-orm";
import type { Context } from "../../platform/context.ts";
import type { AgentIdentity } from "../../platform/rpc/index.ts";
import { servers } from "../servers/schema.ts";
import { quarantineUnknown } from "./quarantine-unknown.ts";
import { type CertifiedAgent, parseAgentUri, sha256Hex } from "./rules.ts";
import { agentIdentities } from "./schema.ts";

/** Why a peer whose certificate the CA signed is turned away all the same. */
export interface Refusal {
  readonly reason: "unknown" | "revoked" | "quarantined" | "wrong_epoch" | "foreign_installation" | "expired" | "malformed";
  /** For the gateway's log and the agent's: what was expected, what came, what to do. */
  readonly message: string;
  /** Set when the server is known, for the log. */
  readonly serverId?: string;
}

export type Identified =
  | { readonly identity: AgentIdentity; readonly refusal?: never }
  | { readonly identity?: never; readonly refusal: Refusal };

export interface AgentIdentifier {
  /**
   * Settles who a TLS peer is.
   * @param certificate the peer's leaf (DER), whose chain up to `gatewayCredentials().caPem` the TLS layer has verified
   */
  identify(certificate: Uint8Array): Promise<Identified>;
  /** Ends the subscriptions that keep the cache honest. */
  close(): void;
}

/** Answers kept; at 10,000 agents that all come back at once this saves as many queries. */
const maxCached = 20_000;
/** A revocation by another controller process counts at the latest after this. */
const cacheMs = 60_000;

/** The gateway's question "who is this?", with a cache that a revocation empties. One for each gateway. */
export function identifyAgent(ctx: Context): AgentIdentifier {
  const cache = new Map<string, { identity: AgentIdentity; notAfterMs: number; untilMs: number }>();
  // Raised by each revocation: an answer read from the database before it must not be kept after it.
  let generation = 0;
  const forget = ({ serverId }: { serverId: string }): void => {
    generation++;
    for (const [key, { identity }] of cache) if (identity.serverId === serverId) cache.delete(key);
  };
  const ends = [ctx.bus.on("server.revoked", forget), ctx.bus.on("server.removed", forget)];

  return {
    async identify(certificate) {
      const key = sha256Hex(certificate);
      const nowMs = ctx.clock.now();
      const known = cache.get(key);
      if (known !== undefined && known.untilMs > nowMs && known.notAfterMs > nowMs) return { identity: known.identity };
      cache.delete(key);
      const before = generation;
      const { answer, notAfterMs } = await look(ctx, certificate);
      if (answer.identity !== undefined && before === generation) {
        const oldest = cache.size >= maxCached ? cache.keys().next().value : undefined;
        if (oldest !== undefined) cache.delete(oldest);
        cache.set(key, { identity: answer.identity, notAfterMs, untilMs: nowMs + cacheMs });
      }
      return answer;
    },
    close: () => ends.forEach((end) => end()),
  };
}

const refuse = (reason: Refusal["reason"], message: string, serverId?: string): { answer: Identified; notAfterMs: number } => ({
  answer: { refusal: { reason, message, ...(serverId !== undefined && { serverId }) } },
  notAfterMs: 0,
});

async function look(ctx: Context, der: Uint8Array): Promise<{ answer: Identified; notAfterMs: number }> {
  const read = readAgentCertificate(der);
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
      "wrong_epoch",
      `The certificate is of epoch ${agent.epoch} and this database of ${ctx.installation.epoch}: it was restored from a backup. Run "devflow admin after-restore".`,
    );
  }
  const [row] = await ctx.db
    .select({
      serverId: servers.id,
      serverNo: servers.serverNo,
      organizationId: servers.organizationId,
      keySha256: agentIdentities.keySha256,
      identityRevokedAt: agentIdentities.revokedAt,
      serverRevokedAt: servers.revokedAt,
      quarantinedAt: servers.quarantinedAt,
    })
    .from(agentIdentities)
    .innerJoin(servers, eq(servers.id, agentIdentities.serverId))
    .where(eq(agentIdentities.serial, serial));
  if (row === undefined) {
    if (agent.epoch < ctx.installation.epoch && (await quarantineUnknown({ ctx, input: { agent, serial, keySha256, notAfterMs } }))) {
      return refuse(
        "quarantined",
        "The controller's database was restored from a backup that does not know this certificate. An operator must release the server in the web UI.",
        agent.agentId,
      );
    }
    return refuse("unknown", "This certificate is not known: the server was deleted. Enrol it again, or uninstall the agent.");
  }
  // Serial and key were issued together; a row that says otherwise is not this certificate's.
  if (row.serverId !== agent.agentId || row.keySha256 !== keySha256)
    return refuse("unknown", "The certificate does not match its record. Enrol the server again.");
  if (row.identityRevokedAt !== null || row.serverRevokedAt !== null)
    return refuse("revoked", "The server was revoked. Enrol it again with a new token, or uninstall the agent.", row.serverId);
  if (row.quarantinedAt !== null)
    return refuse("quarantined", "The server is quarantined until an operator releases it in the web UI.", row.serverId);
  return {
    answer: { identity: { serverId: row.serverId, serverNo: row.serverNo, organizationId: row.organizationId, serial } },
    notAfterMs,
  };
}

/** Reads what an agent's certificate says; null when it is not one of ours. Verifies no signature. */
export function readAgentCertificate(
  certificate: Uint8Array | string,
): { agent: CertifiedAgent; serial: string; keySha256: string; notAfterMs: number } | null {
  try {
    const parsed = new X509Certificate(certificate);
    const agent = parseAgentUri(/^URI:(.*)$/.exec(parsed.subjectAltName ?? "")?.[1] ?? "");
    if (agent === null || parsed.subject !== `CN=${agent.agentId}`) return null;
    return {
      agent,
      serial: parsed.serialNumber.toLowerCase(),
      keySha256: sha256Hex(parsed.publicKey.export({ format: "der", type: "spki" })),
      notAfterMs: parsed.validToDate.getTime(),
    };
  } catch {
    return null; // not a certificate
  }
}
