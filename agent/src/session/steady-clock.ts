import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../state/write-atomic.ts";
import { newSleepMs, SLEEP_NOISE_MS, startClock, type PersistedClock, type SettledClock } from "./clock.ts";

const monotonicMs = (): number => {
  const [seconds, nanoseconds] = process.hrtime();
  return Math.round(seconds * 1000 + nanoseconds / 1e6);
};

/** Seconds since boot, asleep included, in milliseconds; NaN where there is no /proc. */
const uptimeMs = async (): Promise<number> =>
  Number((await readFile("/proc/uptime", "utf8").catch(() => "")).split(" ")[0] || Number.NaN) * 1000;

/** Monotonic time that goes on while the machine sleeps. */
export class SteadyClock {
  #asleepMs = 0;
  #sleepMs: number;
  #last = { monotonicMs: monotonicMs(), wallMs: Date.now() };

  private constructor(sleepMs: number) {
    this.#sleepMs = sleepMs;
  }

  static async start(): Promise<SteadyClock> {
    const ahead = (await uptimeMs()) - monotonicMs();
    return new SteadyClock(Number.isNaN(ahead) ? 0 : Math.round(ahead));
  }

  /** What /proc/uptime is ahead of the monotonic clock. */
  get sleepMs(): number {
    return this.#sleepMs;
  }

  now(): number {
    return monotonicMs() + this.#asleepMs;
  }

  /**
   * To be called each second: /proc/uptime is looked at only when the wall clock ran away from the monotonic one. Null
   * when there is nothing to wait for.
   */
  notice(): Promise<void> | null {
    const now = { monotonicMs: monotonicMs(), wallMs: Date.now() };
    const apart = Math.abs(now.wallMs - this.#last.wallMs - (now.monotonicMs - this.#last.monotonicMs));
    this.#last = now;
    return apart < SLEEP_NOISE_MS ? null : this.#look();
  }

  async #look(): Promise<void> {
    const ahead = Math.round((await uptimeMs()) - monotonicMs());
    if (Number.isNaN(ahead)) return;
    const slept = newSleepMs(this.#sleepMs, ahead);
    this.#asleepMs += slept;
    this.#sleepMs += slept;
  }
}

/** UUID of the running kernel; where /proc does not tell, one made from the start of this process. */
export async function readBootId(): Promise<string> {
  const text = (await readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => "")).trim().toLowerCase();
  return /^[0-9a-f-]{36}$/.test(text) ? text : crypto.randomUUID();
}

const clockPath = (stateDir: string): string => join(stateDir, "clock.json");

/** The clock that the last process in this boot settled, or an estimate. */
export async function loadClock(stateDir: string | null, bootId: string, steady: SteadyClock): Promise<SettledClock> {
  const now = { bootId, wallMs: Date.now(), monotonicMs: steady.now(), sleepMs: steady.sleepMs };
  if (stateDir === null) return startClock(null, now);
  try {
    const value = JSON.parse(await readFile(clockPath(stateDir), "utf8")) as PersistedClock;
    const good = typeof value.bootId === "string" && Number.isFinite(value.offsetMs) && Number.isFinite(value.sleepMs);
    return startClock(good ? value : null, now);
  } catch {
    return startClock(null, now); // missing or damaged: Welcome settles it again
  }
}

/** Keeps a settled clock for the next process in this boot. */
export const saveClock = (stateDir: string, bootId: string, clock: SettledClock, steady: SteadyClock): Promise<void> =>
  writeFileAtomic(
    clockPath(stateDir),
    JSON.stringify({ bootId, offsetMs: clock.offsetMs, sleepMs: steady.sleepMs } satisfies PersistedClock),
  );
