import type { Me, Permission, Role } from "@devflow/api";
import { permissionsOf } from "@devflow/api/permission-table";
import { api, type ApiError } from "#api/client.ts";
import { live } from "#api/live.svelte.ts";
import { toasts } from "#ui/toasts.svelte.ts";

const SIGNED_IN = "signed-in";

/** Who is signed in. */
class Session {
  #me = $state.raw<Me | null>(null);
  error = $state.raw<ApiError | null>(null);
  /** Somebody signs out by choice: whoever notices that the session ended has nothing to do. */
  leaving = false;

  get me(): Me | null {
    return this.#me;
  }
  set me(me: Me | null) {
    this.#me = me;
    if (me) this.leaving = false;
    if (me) localStorage.setItem(SIGNED_IN, "1");
    else localStorage.removeItem(SIGNED_IN);
  }

  /** Whether this browser was signed in when it was last here: pages then load without waiting for the answer. */
  get expected(): boolean {
    return this.#me !== null || localStorage.getItem(SIGNED_IN) !== null;
  }

  /** Asks the controller who is signed in, null for nobody; throws ApiError. */
  async load(): Promise<Me | null> {
    this.error = null;
    return (this.me = (await api.sessionState()).me);
  }

  /**
   * Whether the signed-in person has `permission`; the controller decides again about each thing.
   * @param groupId of the server group that it is asked for, null for things in no group; without it: anywhere
   */
  may(permission: Permission, groupId?: string | null): boolean {
    const held = this.me?.permissions.find((one) => one.permission === permission);
    if (held === undefined) return false;
    return held.everywhere || groupId === undefined || (groupId !== null && held.groupIds.includes(groupId));
  }

  /** Whether `permission` reaches what a team owns, or what any team owns; false when it is held by groups alone. */
  mayForTeam(permission: Permission, teamId?: string): boolean {
    const held = this.me?.permissions.find((one) => one.permission === permission);
    if (held === undefined) return false;
    return held.everywhere || (teamId === undefined ? held.teamIds.length > 0 : held.teamIds.includes(teamId));
  }

  /** Whether a token with this role does no more than the signed-in person. */
  mayGive(role: Role): boolean {
    return permissionsOf(role).every((permission) => this.may(permission));
  }

  /** Signs out. */
  async end(): Promise<void> {
    this.leaving = true;
    await toasts.settle();
    live.stop();
    await api.signOut().catch(() => undefined);
    this.me = null;
  }
}

export const session = new Session();

/** Where a sign-in leads to: only addresses of this page. */
export const safeNext = (next: string | null): string =>
  next !== null && /^\/(?![/\\])/.test(next) && !next.startsWith("/sign-in") ? next : "/servers";
