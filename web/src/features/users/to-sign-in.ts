import { goto } from "$app/navigation";
import { live } from "#api/live.svelte.ts";
import { session } from "./me.svelte.ts";

/** Forgets who was signed in and asks anew; the sign-in leads back here, but for somebody who is signing out. */
export function toSignIn(): void {
  if (session.leaving) return;
  session.me = null;
  live.stop();
  void goto(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`, { replace: true });
}
