import { createPrivateKey, X509Certificate } from "node:crypto";
import { AppError } from "@devflow/errors";
import { eq, sql } from "drizzle-orm";
import type { Context } from "../../platform/context.ts";
import { type Certified, makeIntermediate, makeListenerCertificate, makeRoot } from "./certificates.ts";
import { enrolmentName, gatewayName, intermediateOverlapMs, listenerOverlapMs, replacementDue, sha256Hex } from "./rules.ts";
import { caKeys } from "./schema.ts";

/** The installation's certification authority with its private keys. Role "gateway" only. */
export interface Authority {
  readonly root: Certified;
  readonly intermediate: Certified;
  readonly gateway: Certified;
  readonly enrolment: Certified;
}

/** What everybody may know of it. */
export interface AuthorityFacts {
  readonly rootPem: string;
  /** F: SHA-256 of the root certificate (DER), hexadecimal. */
  readonly caFingerprint: string;
  /** K: SHA-256 of the enrolment listener's public key (SPKI DER), base64, as curl's --pinnedpubkey wants it. */
  readonly enrolmentKeyPin: string;
}

/** TLS credentials of a listener. */
export interface TlsCredentials {
  /** Leaf first, then the intermediate, PEM. */
  readonly certificateChainPem: string;
  /** PKCS #8, PEM. */
  readonly privateKeyPem: string;
  /** Roots that sign agents' certificates and this one; what agents are told to trust. */
  readonly caPem: readonly string[];
  /** DNS name in the certificate. */
  readonly name: string;
  readonly notAfterMs: number;
}

type Name = keyof Authority;
const associatedData = (name: Name) => `ca_keys.${name}`;
const refreshMs = 3_600_000;

// One authority a process context; weak, so that a test's context takes its keys with it.
const cached = new WeakMap<Context, { value: Promise<Authority>; atMs: number }>();

/**
 * The authority: made at the first call of the installation, read again each hour (another gateway may have replaced a
 * certificate), certificates that near their end replaced on the way.
 * Throws AppError internal when the master key is not the one that wrapped the keys.
 */
export function authority(ctx: Context): Promise<Authority> {
  const nowMs = ctx.clock.now();
  const known = cached.get(ctx);
  if (known !== undefined && Math.abs(nowMs - known.atMs) < refreshMs) return known.value;
  const value = keepAuthority(ctx);
  cached.set(ctx, { value, atMs: nowMs });
  value.catch(() => cached.delete(ctx)); // a failure is not kept: the next call tries again
  return value;
}

/** Reads, makes and replaces keys in one transaction, one process at a time. */
async function keepAuthority(ctx: Context): Promise<Authority> {
  return ctx.db.transaction(async (tx) => {
    await tx.execute(sql`select pg_advisory_xact_lock(hashtext('devflow.ca_keys'))`);
    const rows = new Map((await tx.select().from(caKeys)).map((row) => [row.name, row]));
    const nowMs = ctx.clock.now();

    async function keep(
      name: Name,
      overlapMs: number,
      make: (old: Certified | null) => Promise<Certified>,
    ): Promise<{ certified: Certified; replaced: boolean }> {
      const row = rows.get(name);
      const old =
        row === undefined
          ? null
          : {
              certificatePem: row.certificatePem,
              privateKey: ctx.masterKey.unwrap(associatedData(name), row.wrappedKey),
              notAfterMs: row.notAfter.getTime(),
            };
      if (old !== null && !replacementDue(old.notAfterMs, overlapMs, nowMs)) return { certified: old, replaced: false };
      const certified = await make(old);
      const values = {
        certificatePem: certified.certificatePem,
        wrappedKey: ctx.masterKey.wrap(associatedData(name), certified.privateKey),
        notAfter: new Date(certified.notAfterMs),
      };
      if (row === undefined) await tx.insert(caKeys).values({ name, ...values });
      else await tx.update(caKeys).set(values).where(eq(caKeys.name, name));
      ctx.log.info(
        { scope: "enrolment.authority", name, notAfter: values.notAfter },
        old === null ? "made a certificate" : "replaced a certificate that nears its end",
      );
      return { certified, replaced: true };
    }

    const { id } = ctx.installation;
    if (!rows.has("root") && rows.size > 0)
      throw new AppError(
        "internal",
        "The table ca_keys has no root but other keys. Restore it from a backup; a new root would shut every agent out.",
      );
    // A root is never replaced silently: every agent's trust hangs on it.
    const root = (await keep("root", Number.NEGATIVE_INFINITY, () => makeRoot(id, nowMs))).certified;
    const intermediate = await keep("intermediate", intermediateOverlapMs, () => makeIntermediate(root, id, nowMs));
    // A listener's certificate ends with its intermediate at the latest, so it follows a new one.
    const overlapMs = intermediate.replaced ? Number.POSITIVE_INFINITY : listenerOverlapMs;
    const gateway = (await keep("gateway", overlapMs, () => makeListenerCertificate(intermediate.certified, gatewayName(id), nowMs)))
      .certified;
    // Install lines pin this key, so it stays when its certificate is replaced.
    const enrolment = (
      await keep("enrolment", overlapMs, (old) => makeListenerCertificate(intermediate.certified, enrolmentName, nowMs, old?.privateKey))
    ).certified;
    return { root, intermediate: intermediate.certified, gateway, enrolment };
  });
}

/**
 * Fingerprints for install lines, without any private key.
 * Throws AppError unavailable while no gateway has made the authority yet.
 */
export async function authorityFacts(ctx: Context): Promise<AuthorityFacts> {
  const rows = new Map(
    (await ctx.db.select({ name: caKeys.name, pem: caKeys.certificatePem }).from(caKeys)).map((row) => [row.name, row.pem]),
  );
  const rootPem = rows.get("root");
  const enrolmentPem = rows.get("enrolment");
  if (rootPem === undefined || enrolmentPem === undefined) {
    throw new AppError(
      "unavailable",
      "The certification authority does not exist yet: it is made when a controller with the role gateway starts. Start one and try again.",
    );
  }
  const spki = new X509Certificate(enrolmentPem).publicKey.export({ format: "der", type: "spki" });
  return {
    rootPem,
    caFingerprint: sha256Hex(new X509Certificate(rootPem).raw),
    enrolmentKeyPin: Buffer.from(sha256Hex(spki), "hex").toString("base64"),
  };
}

const credentialsOf = (keys: Authority, own: Certified, name: string): TlsCredentials => ({
  certificateChainPem: own.certificatePem + keys.intermediate.certificatePem,
  privateKeyPem: createPrivateKey({ key: own.privateKey, format: "der", type: "pkcs8" })
    .export({ format: "pem", type: "pkcs8" })
    .toString(),
  caPem: [keys.root.certificatePem],
  name,
  notAfterMs: own.notAfterMs,
});

/**
 * TLS credentials of the agents' port. Ask again at least once a day and put the answer into the running listener:
 * the certificate is replaced 30 days before its end. Only `caPem` may vouch for a client.
 */
export async function gatewayCredentials(ctx: Context): Promise<TlsCredentials> {
  const keys = await authority(ctx);
  return credentialsOf(keys, keys.gateway, gatewayName(ctx.installation.id));
}

/** CA certificates (PEM) that agents are told to trust; asked for at each Welcome, so no private key is touched. */
export async function agentTrust(ctx: Context): Promise<string[]> {
  return [(await authority(ctx)).root.certificatePem];
}

/** TLS credentials of the enrolment listener; the key never changes, its certificate does. */
export async function enrolmentCredentials(ctx: Context): Promise<TlsCredentials> {
  const keys = await authority(ctx);
  return credentialsOf(keys, keys.enrolment, enrolmentName);
}
