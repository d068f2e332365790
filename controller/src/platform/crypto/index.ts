/** Wraps small secrets (keys, tokens of other services) for the database; AES-256-GCM. */
export interface MasterKey {
  /** @param name associated data: what is wrapped can be unwrapped under the same name only */
  wrap(name: string, plaintext: Uint8Array): Buffer;
  /** Throws AppError internal when the key or the name is another one or the bytes were changed. */
  unwrap(name: string, wrapped: Uint8Array): Buffer;
  /** 32 bytes that are always the same for this key and purpose (HKDF-SHA256); signs session cookies, for example. */
  derive(purpose: string): Buffer;
}

export { createMasterKey, loadMasterKey } from "./master-key.ts";
export { loadTaskSigningKey, type TaskSigningKey } from "./task-signing-key.ts";
