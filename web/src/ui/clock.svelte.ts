/** The time that the page shows relative times against: one timer for all of them, a tick a second. */
class Clock {
  nowMs = $state(Date.now());
  constructor() {
    if (typeof window !== "undefined") setInterval(() => (this.nowMs = Date.now()), 1000);
  }
}
export const clock = new Clock();
