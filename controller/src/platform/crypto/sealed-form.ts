import { AppError } from "@devflow/errors";

/** First byte of everything that an organisation's data key sealed; another form would have another one. */
const form = 1;
const headerBytes = 5;

/** What stands in front: form (1 byte) and version of the data key (4 bytes, big-endian). */
export function sealedHeader(version: number): Buffer {
  const header = Buffer.alloc(headerBytes);
  header[0] = form;
  header.writeUInt32BE(version, 1);
  return header;
}

/** Sealed form: header, then nonce, ciphertext and tag as MasterKey.wrap gives them. */
export const sealedForm = (version: number, body: Uint8Array): Buffer => Buffer.concat([sealedHeader(version), body]);

/** Takes a sealed form apart. Throws AppError internal when it is none. */
export function sealedVersion(sealed: Uint8Array): { version: number; body: Buffer } {
  const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
  if (bytes.length <= headerBytes || bytes[0] !== form) {
    throw new AppError("internal", "These bytes were not sealed by an organisation's data key, or were cut");
  }
  return { version: bytes.readUInt32BE(1), body: bytes.subarray(headerBytes) };
}
