import type { FirstSteps } from "@devflow/api";
import { account } from "#api/account.ts";
import { toasts } from "#ui/toasts.svelte.ts";
import { session } from "./me.svelte.ts";

export type StepName = FirstSteps["steps"][number]["step"];

/** Steps that somebody can take: who may not add servers or invite people is not asked to. */
export function stepsFor(found: FirstSteps, who: Pick<typeof session, "may">): FirstSteps["steps"] {
  return found.steps.filter(({ step }) =>
    step === "server" ? who.may("servers.enrol") : step === "people" ? who.may("members.manage", null) : true,
  );
}

/**
 * Whether they are shown without being asked for: on a new installation, to who builds it up, while something is left.
 * @param servers that the list has
 */
export function comeByThemselves(found: FirstSteps, servers: number, who: Pick<typeof session, "may">): boolean {
  const few = 3;
  return found.away === null && servers <= few && who.may("servers.enrol", null) && stepsFor(found, who).some(({ done }) => !done);
}

/** How far the signed-in person is with the first steps; the controller tells and keeps it. */
class FirstStepsState {
  /** Null until it is loaded, and for programs. */
  found = $state.raw<FirstSteps | null>(null);
  /** They were just asked for: the focus belongs there. */
  wanted = $state(false);

  /** Asks again; what cannot be told is left as it is. */
  async load(): Promise<void> {
    if (session.me?.kind !== "user") return;
    this.found = await account.firstSteps().catch(() => this.found);
  }

  /** Puts them away, or brings them back, on all machines of this person. */
  async put(away: boolean): Promise<void> {
    this.wanted = !away;
    try {
      await account.putFirstSteps(away);
      if (this.found) this.found = { ...this.found, away };
      await this.load();
    } catch (error) {
      toasts.error(error, away ? "Putting the first steps away" : "Showing the first steps");
    }
  }
}

export const firstSteps = new FirstStepsState();
