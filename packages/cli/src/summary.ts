/** What is worth saying of a series. */
export interface Summary {
  readonly points: number;
  readonly min: number | null;
  readonly mean: number | null;
  readonly max: number | null;
  readonly last: number | null;
}

/** @param max maxima of each step, where they are kept: a short peak is in them and not in the means */
export function summarise(mean: readonly (number | null)[], max: readonly (number | null)[] | null): Summary {
  const values = mean.filter((v) => v !== null);
  if (values.length === 0) return { points: 0, min: null, mean: null, max: null, last: null };
  const tops = (max ?? mean).filter((v) => v !== null);
  return {
    points: values.length,
    min: values.reduce((a, b) => Math.min(a, b)),
    mean: values.reduce((a, b) => a + b, 0) / values.length,
    max: tops.reduce((a, b) => Math.max(a, b), -Infinity),
    last: values.at(-1) as number,
  };
}
