import { onStepUp } from "#api/client.ts";

/** A dangerous action waits until the person has proved once more who they are. */
class StepUp {
  asking = $state(false);
  #waiting: ((confirmed: boolean) => void)[] = [];

  constructor() {
    onStepUp(
      () =>
        new Promise((resolve) => {
          this.#waiting.push(resolve);
          this.asking = true;
        }),
    );
  }

  /** Closes the question; what waits goes on, or is refused. */
  answer(confirmed: boolean): void {
    this.asking = false;
    for (const resolve of this.#waiting.splice(0)) resolve(confirmed);
  }
}

export const stepUp = new StepUp();
