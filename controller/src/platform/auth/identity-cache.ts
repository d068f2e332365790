import type { Identity } from "./identity.ts";

/**
 * Remembers proven credentials for a short time. Revocation here is immediate (drop); a controller that did not hear
 * of it asks the database again after ttlMs.
 */
export interface IdentityCache {
  get(credential: string): Identity | undefined;
  /** @param generation what generation() gave before the database was asked: an answer older than a revocation is not kept */
  set(credential: string, identity: Identity, generation: number): void;
  generation(): number;
  /** Forgets whoever is this user (with all sessions and tokens), session or token. */
  drop(kind: "user" | "token" | "session", id: string): void;
  /** Forgets everybody: a revocation may have been missed. */
  clear(): void;
}

export function createIdentityCache(now: () => number, ttlMs = 10_000, maxEntries = 5_000): IdentityCache {
  const entries = new Map<string, { identity: Identity; until: number }>();
  let generation = 0;
  return {
    get: (credential) => {
      const entry = entries.get(credential);
      if (entry === undefined) return undefined;
      if (now() < entry.until) return entry.identity;
      entries.delete(credential);
      return undefined;
    },
    set: (credential, identity, before) => {
      if (before !== generation) return;
      if (entries.size >= maxEntries) entries.delete(entries.keys().next().value!);
      entries.set(credential, { identity, until: Math.min(now() + ttlMs, identity.expiresAtMs ?? Infinity) });
    },
    generation: () => generation,
    clear: () => {
      generation += 1;
      entries.clear();
    },
    drop: (kind, id) => {
      generation += 1;
      for (const [credential, { identity }] of entries) {
        if (isBehind(identity, kind, id)) entries.delete(credential);
      }
    },
  };
}

/** Whether a revocation of this user, session or token ends this identity. */
export function isBehind(identity: Identity, kind: "user" | "token" | "session", id: string): boolean {
  if (kind === "session") return identity.sessionId === id;
  if (kind === "token") return identity.kind === "token" && identity.id === id;
  return identity.userId === id;
}

/** Whether nothing changed in what somebody may do, nor where. */
export const sameAccess = (a: Identity, b: Identity) =>
  a.organizationId === b.organizationId &&
  JSON.stringify([a.access.grants, a.access.bound], sets) === JSON.stringify([b.access.grants, b.access.bound], sets);
const sets = (_key: string, value: unknown) => (value instanceof Set ? [...(value as ReadonlySet<string>)].toSorted() : value);
