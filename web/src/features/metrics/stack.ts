import type { Values } from "./dataset.ts";

/** Running sums of lines, bottom first; a gap of one counts as nothing as long as another is there. */
export function stack(lines: readonly Values[]): (number | null)[][] {
  const length = lines[0]?.length ?? 0;
  const sums: (number | null)[][] = [];
  for (const [k, line] of lines.entries()) {
    const below = sums[k - 1];
    sums.push(
      Array.from({ length }, (_, i) => {
        const under = below?.[i] ?? null;
        const value = line[i] ?? null;
        return under === null && value === null ? null : (under ?? 0) + (value ?? 0);
      }),
    );
  }
  return sums;
}
