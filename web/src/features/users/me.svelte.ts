import type { Me, Permission } from "@devflow/api";
import { api, type ApiError } from "#api/client.ts";
import { live } from "#api/live.svelte.ts";

const ranks: readonly Permission[] = ["view", "deploy", "edit", "admin", "owner"];

/** Who is signed in. */
class Session {
  me = $state.raw<Me | null>(null);
  error = $state.raw<ApiError | null>(null);

  /** Asks the controller; throws ApiError. */
  async load(): Promise<Me> {
    this.error = null;
    return (this.me = await api.me());
  }

  /** Whether the signed-in person may do what needs `permission`; the controller decides again. */
  may(permission: Permission): boolean {
    return this.me !== null && ranks.indexOf(this.me.permission) >= ranks.indexOf(permission);
  }

  async end(): Promise<void> {
    await api.signOut().catch(() => undefined);
    live.stop();
    this.me = null;
  }
}

export const session = new Session();

/** Where a sign-in leads to: only addresses of this page. */
export const safeNext = (next: string | null): string =>
  next !== null && /^\/(?![/\\])/.test(next) && !next.startsWith("/sign-in") ? next : "/servers";
