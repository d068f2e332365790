import { expect, test } from "vitest";
import { newSleepMs, SettledClock, startClock } from "./clock.ts";

const T = Date.UTC(2026, 0, 1);
const boot = "11111111-1111-4111-8111-111111111111";
const heardAt = (steadyMs: number, controllerWallMs: number, roundTripMs = 20) => ({
  notBeforeSteadyMs: steadyMs - roundTripMs,
  receivedSteadyMs: steadyMs,
  controllerWallMs,
});

test("before Welcome the machine's clock is an estimate that later steps do not touch", () => {
  const clock = startClock(null, { bootId: boot, wallMs: T, monotonicMs: 5_000, sleepMs: 0 });
  expect(clock.settled).toBe(false);
  expect(clock.at(5_000)).toBe(T);
  expect(clock.at(65_000)).toBe(T + 60_000); // whatever Date.now() says by then
});

test("Welcome settles with the middle of the round trip", () => {
  const clock = startClock(null, { bootId: boot, wallMs: T - 3_600_000, monotonicMs: 5_000, sleepMs: 0 });
  expect(clock.welcome(heardAt(6_000, T, 100))).toBe(true);
  expect(clock.settled).toBe(true);
  expect(clock.at(6_000)).toBe(T + 50);
});

test.each([-2_000, -500, 0, 500, 2_000])("a later Welcome that deviates by %d ms changes nothing", (deviation) => {
  const clock = new SettledClock({ offsetMs: T, settled: true });
  expect(clock.welcome(heardAt(10_000, T + 10_000 - 10 + deviation))).toBe(false);
  expect(clock.offsetMs).toBe(T);
});

test.each([-2_001, 2_001, -86_400_000, 86_400_000])("a later Welcome that deviates by %d ms moves it", (deviation) => {
  const clock = new SettledClock({ offsetMs: T, settled: true });
  expect(clock.welcome(heardAt(10_000, T + 10_000 - 10 + deviation))).toBe(true);
  expect(clock.offsetMs).toBe(T + deviation);
});

test("drift: the offset moves at the second ping that agrees, not at the first", () => {
  const clock = new SettledClock({ offsetMs: T, settled: true });
  const drifted = (steadyMs: number, by: number) => clock.ping(heardAt(steadyMs, T + steadyMs - 10 + by));
  expect(drifted(60_000, 1_900)).toBe(false);
  expect(drifted(120_000, 2_100)).toBe(false);
  expect(clock.offsetMs).toBe(T);
  expect(drifted(180_000, 2_150)).toBe(true);
  expect(clock.offsetMs).toBe(T + 2_150);
});

test("a single late ping between good ones proves nothing", () => {
  const clock = new SettledClock({ offsetMs: T, settled: true });
  const heard = (steadyMs: number, by: number) => clock.ping(heardAt(steadyMs, T + steadyMs - 10 + by));
  expect(heard(60_000, -9_000)).toBe(false);
  expect(heard(120_000, 0)).toBe(false);
  expect(heard(180_000, -9_000)).toBe(false);
  expect(heard(240_000, -5_000)).toBe(false); // deviates, but does not agree
  expect(clock.offsetMs).toBe(T);
});

test("an agent that starts again in the same boot keeps the settled offset, whatever the wall clock says", () => {
  const clock = startClock({ bootId: boot, offsetMs: T, sleepMs: 30 }, { bootId: boot, wallMs: 12, monotonicMs: 90_000, sleepMs: 40 });
  expect(clock.settled).toBe(true);
  expect(clock.at(90_000)).toBe(T + 90_000);
});

test("after a reboot the persisted offset does not count", () => {
  const clock = startClock(
    { bootId: boot, offsetMs: T, sleepMs: 0 },
    { bootId: "other", wallMs: T + 777_000, monotonicMs: 1_000, sleepMs: 0 },
  );
  expect(clock.settled).toBe(false);
  expect(clock.at(1_000)).toBe(T + 777_000);
});

test("a laptop that slept while the agent was stopped has its time asleep added", () => {
  const clock = startClock({ bootId: boot, offsetMs: T, sleepMs: 0 }, { bootId: boot, wallMs: 5, monotonicMs: 90_000, sleepMs: 3_600_000 });
  expect(clock.settled).toBe(true);
  expect(clock.at(90_000)).toBe(T + 3_690_000);
});

test("a container that was started anew under the same boot id does not trust the old offset", () => {
  const clock = startClock(
    { bootId: boot, offsetMs: T, sleepMs: 0 },
    { bootId: boot, wallMs: T, monotonicMs: 90_000, sleepMs: -3_600_000 },
  );
  expect(clock.settled).toBe(false);
});

test("time asleep is what grew beyond reading noise", () => {
  expect(newSleepMs(0, 20)).toBe(0);
  expect(newSleepMs(0, 499)).toBe(0);
  expect(newSleepMs(1_000, 61_000)).toBe(60_000);
  expect(newSleepMs(1_000, 0)).toBe(0);
});
