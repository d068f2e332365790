import { untrack } from "svelte";
import type { ApiError } from "#api/client.ts";

/** One form or action that is sent: whether it is under way, and what came of the last try. */
export class Submit {
  #busy = $state(false);
  error = $state.raw<ApiError | null>(null);

  get busy(): boolean {
    return this.#busy;
  }

  /**
   * Does `work` unless the last one is still under way: a second press changes nothing.
   * @returns whether it was done; what it throws is in `error`, and is gone with the next try
   */
  async run(work: () => Promise<unknown>): Promise<boolean> {
    // An effect that begins it must not begin it again because it has ended.
    if (untrack(() => this.#busy)) return false;
    this.#busy = true;
    this.error = null;
    try {
      await work();
      return true;
    } catch (error) {
      this.error = error as ApiError;
      return false;
    } finally {
      this.#busy = false;
    }
  }

  /** The handler of a form's `onsubmit`. */
  on(work: () => Promise<unknown>): (event: SubmitEvent) => void {
    return (event) => {
      event.preventDefault();
      void this.run(work);
    };
  }
}
