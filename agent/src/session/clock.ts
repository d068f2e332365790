/**
 * The agent's time. Settled time = steady time + offset, where steady time never steps (monotonic, asleep included).
 * The offset is settled by the controller's clock at Welcome and kept unless it deviates by more than 2 s, so that
 * wall-clock steps on the machine change nothing. Before the first Welcome of a boot the offset is an estimate: the
 * machine's own wall clock when the agent started.
 */

/** A settled offset stays while the controller's clock is within this. */
export const TOLERANCE_MS = 2_000;
/** Two deviating pings must agree within this before they move the offset: a single late one proves nothing. */
const AGREEMENT_MS = 1_000;

export interface PersistedClock {
  readonly bootId: string;
  readonly offsetMs: number;
  /** What /proc/uptime was ahead of the monotonic clock when this was written; it grows while the machine sleeps. */
  readonly sleepMs: number;
}

/** When the controller's clock was read, as seen from here. */
export interface Probe {
  /** Steady time before which the controller cannot have read its clock. */
  readonly notBeforeSteadyMs: number;
  readonly receivedSteadyMs: number;
  readonly controllerWallMs: number;
}

export class SettledClock {
  #offsetMs: number;
  #settled: boolean;
  #suspectMs: number | null = null;

  constructor(start: { readonly offsetMs: number; readonly settled: boolean }) {
    this.#offsetMs = start.offsetMs;
    this.#settled = start.settled;
  }

  /** Whether the controller's clock has been heard in this boot. */
  get settled(): boolean {
    return this.#settled;
  }

  /** Settled time minus steady time. */
  get offsetMs(): number {
    return this.#offsetMs;
  }

  /** Milliseconds since 1970-01-01 UTC at a steady time. */
  at(steadyMs: number): number {
    return steadyMs + this.#offsetMs;
  }

  /** Welcome: settles the first time, moves the offset when it deviates by more than the tolerance. True when it changed. */
  welcome(probe: Probe): boolean {
    this.#suspectMs = null;
    const measured = measuredOffset(probe);
    if (this.#settled && Math.abs(measured - this.#offsetMs) <= TOLERANCE_MS) return false;
    this.#offsetMs = measured;
    this.#settled = true;
    return true;
  }

  /** Ping: catches the drift of a connection that lasts for weeks. True when the offset changed. */
  ping(probe: Probe): boolean {
    const measured = measuredOffset(probe);
    if (Math.abs(measured - this.#offsetMs) <= TOLERANCE_MS) {
      this.#suspectMs = null;
      return false;
    }
    const agreed = this.#suspectMs !== null && Math.abs(measured - this.#suspectMs) <= AGREEMENT_MS;
    this.#suspectMs = measured;
    if (!agreed) return false;
    this.#suspectMs = null;
    this.#offsetMs = measured;
    return true;
  }
}

const measuredOffset = (probe: Probe): number =>
  Math.round(probe.controllerWallMs - (probe.notBeforeSteadyMs + probe.receivedSteadyMs) / 2);

/**
 * The clock that a starting agent has. A persisted offset counts for the same boot only, and only when the sleep
 * counter did not go back (a container that was started anew may share its boot id).
 * @param now.monotonicMs CLOCK_MONOTONIC, the steady time at the start
 * @param now.sleepMs what /proc/uptime is ahead of it
 */
export function startClock(
  persisted: PersistedClock | null,
  now: { readonly bootId: string; readonly wallMs: number; readonly monotonicMs: number; readonly sleepMs: number },
): SettledClock {
  if (persisted !== null && persisted.bootId === now.bootId) {
    const slept = now.sleepMs - persisted.sleepMs;
    if (slept > -SLEEP_NOISE_MS)
      return new SettledClock({ offsetMs: persisted.offsetMs + (slept < SLEEP_NOISE_MS ? 0 : slept), settled: true });
  }
  return new SettledClock({ offsetMs: now.wallMs - now.monotonicMs, settled: false });
}

/** Below this a difference between /proc/uptime (10 ms steps) and the monotonic clock is reading noise. */
export const SLEEP_NOISE_MS = 500;

/** Time asleep that was not known yet: 0, or the growth when it is more than noise. */
export const newSleepMs = (knownMs: number, readMs: number): number => (readMs - knownMs >= SLEEP_NOISE_MS ? readMs - knownMs : 0);
