import { create } from "@bufbuild/protobuf";
import { FamilyRowsSchema } from "@devflow/proto/metrics/v1/metrics";
import { expect, test } from "vitest";
import { LiveRing, RING_FRAMES } from "./live-ring.ts";

const seconds = (bytes: number) => [
  { bytes, encode: () => [create(FamilyRowsSchema, { family: 1, columns: 1, instances: [""], cells: new Uint8Array(bytes) })] },
];
const times = (ring: LiveRing, offsetMs = 0) => [...ring.requests(offsetMs)].map((request) => Number(request.readAtMs));

test("keeps the newest two minutes, told at the time that the clock gives them now", () => {
  const ring = new LiveRing();
  ring.push(0, []);
  for (let second = 1; second <= RING_FRAMES + 30; second++) ring.push(second * 1000, seconds(10));
  expect(times(ring)).toHaveLength(RING_FRAMES);
  expect(times(ring)[0]).toBe(31_000);
  expect(times(ring, 5_000_000_000_000).at(-1)).toBe(5_000_000_150_000);
  expect([...ring.requests(0)][0]?.families[0]?.cells).toHaveLength(10);
});

test("keeps fewer of large ones", () => {
  const ring = new LiveRing();
  for (let second = 1; second <= 20; second++) ring.push(second * 1000, seconds(200_000));
  expect(times(ring)).toEqual([16_000, 17_000, 18_000, 19_000, 20_000]);
});
