import "reflect-metadata";
import { webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
let serial = 4096;

export interface TestKeyPair {
  keyPem: string;
  certPem: string;
  /** Upper case hexadecimal, as X509Certificate.serialNumber. */
  serial: string;
}

/** A throw-away CA for tests of the gateway: real certificates, made in memory. */
export async function createTestCa(name = "test CA") {
  const keys = await generate();
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: "01",
    name: `CN=${name}`,
    notBefore: new Date(Date.now() - 86_400_000),
    notAfter: new Date(Date.now() + 86_400_000 * 30),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 2, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  });
  return {
    caPem: ca.toString("pem"),
    /** A client certificate for somebody else's key (SPKI PEM). */
    async issueFor(subject: string, publicKeyPem: string): Promise<string> {
      const certificate = await x509.X509CertificateGenerator.create({
        serialNumber: (serial++).toString(16).padStart(16, "a"),
        subject: `CN=${subject}`,
        issuer: ca.subject,
        notBefore: new Date(Date.now() - 3_600_000),
        notAfter: new Date(Date.now() + 86_400_000),
        signingKey: keys.privateKey,
        publicKey: new x509.PublicKey(publicKeyPem),
        signingAlgorithm: algorithm,
        extensions: [new x509.BasicConstraintsExtension(false), new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth])],
      });
      return certificate.toString("pem");
    },
    async issue(subject: string, usage: "client" | "server", dates: { notBefore?: Date; notAfter?: Date } = {}): Promise<TestKeyPair> {
      const leaf = await generate();
      const serialNumber = (serial++).toString(16).padStart(16, "a");
      const certificate = await x509.X509CertificateGenerator.create({
        serialNumber,
        subject: `CN=${subject}`,
        issuer: ca.subject,
        notBefore: dates.notBefore ?? new Date(Date.now() - 3_600_000),
        notAfter: dates.notAfter ?? new Date(Date.now() + 86_400_000),
        signingKey: keys.privateKey,
        publicKey: leaf.publicKey,
        signingAlgorithm: algorithm,
        extensions: [
          new x509.BasicConstraintsExtension(false),
          new x509.ExtendedKeyUsageExtension([usage === "client" ? x509.ExtendedKeyUsage.clientAuth : x509.ExtendedKeyUsage.serverAuth]),
          ...(usage === "server" ? [new x509.SubjectAlternativeNameExtension([{ type: "dns", value: subject }])] : []),
        ],
      });
      const pkcs8 = await webcrypto.subtle.exportKey("pkcs8", leaf.privateKey);
      return {
        keyPem: x509.PemConverter.encode(pkcs8, "PRIVATE KEY"),
        certPem: certificate.toString("pem"),
        serial: serialNumber.toUpperCase(),
      };
    },
  };
}

const generate = () => webcrypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
