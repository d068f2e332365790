import { goto } from "$app/navigation";
import { live } from "#api/live.svelte.ts";
import { session } from "./me.svelte.ts";

/** Forgets who was signed in and asks anew; the sign-in leads back here. */
export function toSignIn(): void {
  session.me = null;
  live.stop();
  void goto(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`, { replace: true });
}
