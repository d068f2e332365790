import { createHash, X509Certificate } from "node:crypto";
import { AppError } from "@devflow/errors";

/**
 * The one CA certificate that has the fingerprint given.
 * @param pem what came from an unverified connection
 * @param sha256 hexadecimal, of the certificate's DER
 * Throws AppError forbidden when there is none: somebody between has put another one there.
 */
export function pinnedCa(pem: string, sha256: string): string {
  for (const part of pem.match(/-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g) ?? []) {
    let certificate: X509Certificate;
    try {
      certificate = new X509Certificate(part);
    } catch {
      continue; // damaged: not the one
    }
    if (createHash("sha256").update(certificate.raw).digest("hex") === sha256) return certificate.toString();
  }
  throw new AppError(
    "forbidden",
    "The CA that was offered does not have the fingerprint given by --ca. Something between intercepts TLS, or the line is another controller's. Nothing was sent.",
  );
}
