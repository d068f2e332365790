import type { ApiError } from "#api/client.ts";
import { toasts } from "#ui/toasts.svelte.ts";

/** What both kinds of token have: those of the API and those that add servers. */
export interface AnyToken {
  readonly id: string;
  readonly name: string;
  readonly prefix: string;
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly revokedAt: string | null;
}

export interface TokenSource<T extends AnyToken> {
  load(): Promise<T[]>;
  revoke(id: string): Promise<unknown>;
}

/** The tokens of a settings page: loaded, and revoked with a way back. */
export class TokenList<T extends AnyToken> {
  /** Null until they are loaded. */
  all = $state.raw<readonly T[] | null>(null);
  error = $state.raw<ApiError | null>(null);
  readonly #source: TokenSource<T>;

  constructor(source: TokenSource<T>) {
    this.#source = source;
  }

  async load(): Promise<void> {
    this.error = null;
    try {
      this.all = await this.#source.load();
    } catch (error) {
      this.error = error as ApiError;
    }
  }

  /** Waits for the undo before it tells the controller; leaving the page or signing out does not stop it. */
  revoke(token: T): void {
    const before = this.all;
    this.all = (before ?? []).map((t) => (t.id === token.id ? { ...t, revokedAt: new Date().toISOString() } : t));
    toasts.show(`“${token.name}” is revoked in a moment.`, {
      undo: () => (this.all = before),
      onLeave: () =>
        this.#source.revoke(token.id).catch((error: unknown) => {
          toasts.error(error, "Revoking");
          void this.load();
        }),
    });
  }
}
