import { AppError } from "@devflow/errors";

const SEQUENCE = 0x30;
const VERSION = 0xa0;
const INDEFINITE = 0x80;
/** serialNumber, signature, issuer, validity and subject stand before subjectPublicKeyInfo (RFC 5280, 4.1). */
const FIELDS_BEFORE = 5;

/**
 * A certificate's public key (SubjectPublicKeyInfo, DER), cut out of the certificate's own DER: decoding the key and
 * encoding it again costs as much as a signature does. Only for certificates that our own authority has signed: another
 * might be read in two ways.
 * Throws AppError invalid when it is no certificate.
 */
export function spkiOf(certificate: Uint8Array): Uint8Array {
  const whole = element(certificate, 0, certificate.length, SEQUENCE);
  const tbs = element(certificate, whole.contentAt, whole.endsAt, SEQUENCE);
  let at = tbs.contentAt;
  if (certificate[at] === VERSION) at = element(certificate, at, tbs.endsAt).endsAt;
  for (let i = 0; i < FIELDS_BEFORE; i++) at = element(certificate, at, tbs.endsAt).endsAt;
  return certificate.subarray(at, element(certificate, at, tbs.endsAt, SEQUENCE).endsAt);
}

/** Where the DER element at `at` has its content and its end, which is at most `limit`. */
function element(der: Uint8Array, at: number, limit: number, tag?: number): { contentAt: number; endsAt: number } {
  const first = der[at + 1] ?? INDEFINITE;
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  let length = first < 0x80 ? first : 0;
  for (let i = 0; i < lengthBytes; i++) length = length * 256 + (der[at + 2 + i] ?? 0);
  const contentAt = at + 2 + lengthBytes;
  if (first === INDEFINITE || lengthBytes > 4 || contentAt + length > limit || (tag !== undefined && der[at] !== tag))
    throw new AppError("invalid", `expected a certificate (DER), got something else at byte ${at}`);
  return { contentAt, endsAt: contentAt + length };
}
