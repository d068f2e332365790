import { createPrivateKey, createPublicKey, randomBytes, type KeyObject } from "node:crypto";
import { lifetimes } from "./rules.ts";

// Loaded when something is signed and not before: 19 MB that a controller rarely needs.
const x509 = async () => (await import("./x509.ts")).x509;

const ecdsa = { name: "ECDSA", namedCurve: "P-256" } as const;
const signature = { name: "ECDSA", hash: "SHA-256" } as const;

/** A certificate with its private key. */
export interface Certified {
  readonly certificatePem: string;
  /** PKCS #8, DER. */
  readonly privateKey: Buffer;
  readonly notAfterMs: number;
}

/** Who signs. */
export type Issuer = Pick<Certified, "certificatePem" | "privateKey" | "notAfterMs">;

/** A new ECDSA P-256 private key, PKCS #8 DER. */
export async function newPrivateKey(): Promise<Buffer> {
  const { privateKey } = await crypto.subtle.generateKey(ecdsa, true, ["sign", "verify"]);
  return Buffer.from(await crypto.subtle.exportKey("pkcs8", privateKey));
}

const signingKeyOf = (pkcs8: Uint8Array) => crypto.subtle.importKey("pkcs8", new Uint8Array(pkcs8), ecdsa, false, ["sign"]);
const publicKeyOf = (key: KeyObject) =>
  crypto.subtle.importKey("spki", new Uint8Array(key.export({ format: "der", type: "spki" })), ecdsa, true, ["verify"]);
const derPublicKey = (pkcs8: Uint8Array) => createPublicKey(createPrivateKey({ key: Buffer.from(pkcs8), format: "der", type: "pkcs8" }));

/** Positive, 127 random bits: never zero, never taken for a negative number. */
export function newSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] as number) & 0x3f) | 0x40;
  return bytes.toString("hex");
}

/** The installation's root; signs intermediates only. */
export async function makeRoot(installationId: string, nowMs: number): Promise<Certified> {
  const lib = await x509();
  const privateKey = await newPrivateKey();
  const publicKey = await publicKeyOf(derPublicKey(privateKey));
  const notAfterMs = nowMs + lifetimes.rootMs;
  const name = `CN=DevFlow root ${installationId}`;
  const certificate = await lib.X509CertificateGenerator.create({
    serialNumber: newSerial(),
    subject: name,
    issuer: name,
    notBefore: new Date(nowMs - lifetimes.backdatedMs),
    notAfter: new Date(notAfterMs),
    publicKey,
    signingKey: await signingKeyOf(privateKey),
    signingAlgorithm: signature,
    extensions: [
      new lib.BasicConstraintsExtension(true, 1, true),
      new lib.KeyUsagesExtension(lib.KeyUsageFlags.keyCertSign | lib.KeyUsageFlags.cRLSign, true),
      await lib.SubjectKeyIdentifierExtension.create(publicKey),
    ],
  });
  return { certificatePem: `${certificate.toString("pem")}\n`, privateKey, notAfterMs };
}

interface SignRequest {
  readonly issuer: Issuer;
  /** "CN=…"; no part of it comes from outside. */
  readonly subject: string;
  readonly publicKey: KeyObject;
  readonly serial?: string;
  readonly lifetimeMs: number;
  readonly nowMs: number;
}

/** Signs a CA below the root. */
export async function makeIntermediate(root: Issuer, installationId: string, nowMs: number): Promise<Certified> {
  const privateKey = await newPrivateKey();
  const signed = await sign({
    issuer: root,
    subject: `CN=DevFlow intermediate ${installationId} ${new Date(nowMs).toISOString().slice(0, 10)}`,
    publicKey: derPublicKey(privateKey),
    lifetimeMs: lifetimes.intermediateMs,
    nowMs,
    kind: { type: "intermediate" },
  });
  return { ...signed, privateKey };
}

/** Signs a listener's certificate, for a new key or the one given. */
export async function makeListenerCertificate(issuer: Issuer, name: string, nowMs: number, key?: Buffer): Promise<Certified> {
  const privateKey = key ?? (await newPrivateKey());
  const signed = await sign({
    issuer,
    subject: `CN=${name}`,
    publicKey: derPublicKey(privateKey),
    lifetimeMs: lifetimes.listenerMs,
    nowMs,
    kind: { type: "server", name },
  });
  return { ...signed, privateKey };
}

/** Signs an agent's certificate: a TLS client and nothing else. */
export function makeAgentCertificate(
  request: Omit<SignRequest, "subject" | "lifetimeMs"> & { agentId: string; uri: string; serial: string },
) {
  return sign({
    issuer: request.issuer,
    publicKey: request.publicKey,
    serial: request.serial,
    nowMs: request.nowMs,
    subject: `CN=${request.agentId}`,
    lifetimeMs: lifetimes.agentMs,
    kind: { type: "agent", uri: request.uri },
  });
}

type Kind = { type: "intermediate" } | { type: "server"; name: string } | { type: "agent"; uri: string };

async function sign(request: SignRequest & { kind: Kind }): Promise<{ certificatePem: string; notAfterMs: number }> {
  const lib = await x509();
  const { kind, issuer } = request;
  const issuerCertificate = new lib.X509Certificate(issuer.certificatePem);
  const publicKey = await publicKeyOf(request.publicKey);
  const notAfterMs = Math.min(request.nowMs + request.lifetimeMs, issuer.notAfterMs);
  const own =
    kind.type === "intermediate"
      ? [
          new lib.BasicConstraintsExtension(true, 0, true),
          new lib.KeyUsagesExtension(lib.KeyUsageFlags.keyCertSign | lib.KeyUsageFlags.cRLSign, true),
        ]
      : [
          new lib.BasicConstraintsExtension(false, undefined, true),
          new lib.KeyUsagesExtension(lib.KeyUsageFlags.digitalSignature, true),
          new lib.ExtendedKeyUsageExtension([kind.type === "server" ? lib.ExtendedKeyUsage.serverAuth : lib.ExtendedKeyUsage.clientAuth]),
          new lib.SubjectAlternativeNameExtension([
            kind.type === "server" ? { type: "dns", value: kind.name } : { type: "url", value: kind.uri },
          ]),
        ];
  const certificate = await lib.X509CertificateGenerator.create({
    serialNumber: request.serial ?? newSerial(),
    subject: request.subject,
    issuer: issuerCertificate.subject,
    notBefore: new Date(request.nowMs - lifetimes.backdatedMs),
    notAfter: new Date(notAfterMs),
    publicKey,
    signingKey: await signingKeyOf(issuer.privateKey),
    signingAlgorithm: signature,
    extensions: [
      ...own,
      await lib.SubjectKeyIdentifierExtension.create(publicKey),
      await lib.AuthorityKeyIdentifierExtension.create(issuerCertificate.publicKey),
    ],
  });
  return { certificatePem: `${certificate.toString("pem")}\n`, notAfterMs };
}
