/** Repeatable noise: the same seed and time always give the same value, so that every range of a chart agrees. */

/** 32-bit hash of two integers. */
export function hash(a: number, b: number): number {
  let h = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(b | 0, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 15), 0x27d4eb2f);
  h = Math.imul(h ^ (h >>> 13), 0x165667b1);
  return (h ^ (h >>> 16)) >>> 0;
}

/** From 0 to 1. */
export const unit = (a: number, b: number): number => hash(a, b) / 2 ** 32;

/** Seed of a text. */
export function seedOf(text: string): number {
  let h = 2166136261;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 16777619);
  return h >>> 0;
}

/** Smooth value from 0 to 1 with about one bend a period. */
function smooth(seed: number, x: number): number {
  const i = Math.floor(x);
  const f = x - i;
  const w = f * f * (3 - 2 * f);
  return unit(seed, i) * (1 - w) + unit(seed, i + 1) * w;
}

/** From 0 to 1: days, hours, minutes and seconds on top of each other, as real load looks. */
export function wave(seed: number, seconds: number): number {
  const day = 0.5 + 0.5 * Math.sin(((seconds % 86_400) / 86_400) * 2 * Math.PI - 2);
  return (
    0.22 * day +
    0.2 * smooth(seed, seconds / 10_800) +
    0.22 * smooth(seed + 1, seconds / 900) +
    0.2 * smooth(seed + 2, seconds / 90) +
    0.16 * smooth(seed + 3, seconds / 3)
  );
}
