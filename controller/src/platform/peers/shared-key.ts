import { constants } from "node:crypto";
import type { ConnectionOptions, TlsOptions } from "node:tls";
import type { MasterKey } from "../crypto/index.ts";

/** What both ends of a connection between controllers know: nothing else lets anybody in, and there are no certificates to renew. */
export interface SharedKey {
  readonly identity: string;
  readonly psk: Buffer;
}

export const sharedKey = (masterKey: MasterKey, installationId: string): SharedKey => ({
  identity: installationId,
  psk: masterKey.derive("devflow.peers"),
});

/** TLS 1.3 with an external pre-shared key (RFC 8446, 2.2) and an ephemeral key exchange, so that a key learnt later opens no recording. */
const suite = {
  minVersion: "TLSv1.3",
  maxVersion: "TLSv1.3",
  ciphers: "TLS_AES_128_GCM_SHA256",
  secureOptions: constants.SSL_OP_NO_TICKET,
} as const;

/** Without a certificate the handshake fails for whoever does not prove the key. */
export const serverOptions = ({ identity, psk }: SharedKey): TlsOptions => ({
  ...suite,
  handshakeTimeout: 5_000,
  pskCallback: (_socket, offered) => (offered === identity ? psk : null),
});

export const clientOptions = ({ identity, psk }: SharedKey): ConnectionOptions => ({
  ...suite,
  pskCallback: () => ({ identity, psk }),
  // A server with a certificate, even one that everybody trusts, has not proven the key.
  checkServerIdentity: (_name, certificate) =>
    (certificate as { raw?: Buffer } | undefined)?.raw === undefined
      ? undefined
      : new Error("expected the installation's key, got a certificate"),
});
