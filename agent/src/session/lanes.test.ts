import { expect, test } from "vitest";
import { nextSend, type Lanes } from "./lanes.ts";

const lanes = (change: Partial<Lanes> = {}): Lanes => ({
  maxInFlight: 32,
  inFlight: 0,
  freshWaiting: 0,
  backlogWaiting: false,
  backfillWaitMs: 0,
  paced: false,
  backfillInFlight: 0,
  suspects: false,
  ...change,
});

test("fresh batches overtake the backlog", () => {
  expect(nextSend(lanes({ freshWaiting: 2, backlogWaiting: true }))).toEqual({ lane: "fresh", count: 2 });
});

test("the backlog leaves room for fresh batches", () => {
  expect(nextSend(lanes({ backlogWaiting: true }))).toEqual({ lane: "backfill", count: 16 });
  expect(nextSend(lanes({ backlogWaiting: true, inFlight: 25 }))).toEqual({ lane: "backfill", count: 5 });
  expect(nextSend(lanes({ backlogWaiting: true, inFlight: 30 }))).toBeNull();
  expect(nextSend(lanes({ freshWaiting: 5, inFlight: 30 }))).toEqual({ lane: "fresh", count: 2 });
});

test("never more in flight than the gateway allows", () => {
  expect(nextSend(lanes({ freshWaiting: 5, inFlight: 32 }))).toBeNull();
  expect(nextSend(lanes({ maxInFlight: 1, backlogWaiting: true }))).toEqual({ lane: "backfill", count: 1 });
});

test("the pace holds the backlog back, not fresh batches", () => {
  expect(nextSend(lanes({ backlogWaiting: true, backfillWaitMs: 5, paced: true }))).toBeNull();
  expect(nextSend(lanes({ backlogWaiting: true, paced: true, backfillInFlight: 1, inFlight: 1 }))).toBeNull();
  expect(nextSend(lanes({ backlogWaiting: true, paced: true }))).toEqual({ lane: "backfill", count: 1 });
  expect(nextSend(lanes({ freshWaiting: 1, backlogWaiting: true, backfillWaitMs: 5, paced: true }))).toEqual({ lane: "fresh", count: 1 });
});

test("suspects are sent alone", () => {
  expect(nextSend(lanes({ suspects: true, freshWaiting: 3, backlogWaiting: true }))).toEqual({ lane: "fresh", count: 1 });
  expect(nextSend(lanes({ suspects: true, freshWaiting: 3, inFlight: 1 }))).toBeNull();
});
