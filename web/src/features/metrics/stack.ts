import type { Values } from "./dataset.ts";

/**
 * Running sums of lines, bottom first; a gap of one counts as nothing as long as another is there. A line that adds
 * nothing at a point nor at its neighbours has a gap there, so that it is not drawn over the one below.
 */
export function stack(lines: readonly Values[]): (number | null)[][] {
  const length = lines[0]?.length ?? 0;
  let below: (number | null)[] = Array.from({ length }, () => null);
  return lines.map((line, k) => {
    const sums = below.map((under, i) => {
      const value = line[i] ?? null;
      return under === null && value === null ? null : (under ?? 0) + (value ?? 0);
    });
    below = sums;
    return k === 0 ? sums : sums.map((sum, i) => (line[i] || line[i - 1] || line[i + 1] ? sum : null));
  });
}
