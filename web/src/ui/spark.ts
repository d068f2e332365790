/**
 * SVG path of a sparkline; a null is a gap, a value between two gaps a dot (of a line with round ends).
 * @param values percent
 * @param width pixels
 * @param height pixels, 1 px of padding above and below
 * @param top value at the upper edge
 */
export function sparkPath(values: readonly (number | null)[], width: number, height: number, top = 100): string {
  const step = values.length > 1 ? width / (values.length - 1) : 0;
  let path = "";
  let pen = false;
  values.forEach((value, i) => {
    if (value === null) return void (pen = false);
    const y = 1 + (height - 2) * (1 - Math.min(1, Math.max(0, value / top)));
    path += `${pen ? "L" : "M"}${(i * step).toFixed(1)} ${y.toFixed(1)}`;
    if (!pen && (values[i + 1] ?? null) === null) path += "h.1";
    pen = true;
  });
  return path;
}

/** SVG path of what lies under the line, down to the bottom; nothing under a value that stands alone. */
export function areaPath(values: readonly (number | null)[], width: number, height: number, top = 100): string {
  const step = values.length > 1 ? width / (values.length - 1) : 0;
  const y = (value: number) => 1 + (height - 2) * (1 - Math.min(1, Math.max(0, value / top)));
  let path = "";
  values.forEach((value, i) => {
    if (value === null) return;
    const [before, after] = [values[i - 1] ?? null, values[i + 1] ?? null];
    if (before === null && after === null) return;
    const x = (i * step).toFixed(1);
    path += before === null ? `M${x} ${height}V${y(value).toFixed(1)}` : `L${x} ${y(value).toFixed(1)}`;
    if (after === null) path += `V${height}z`;
  });
  return path;
}

/** Upper edge for values in percent: one of three, so that lines of different rows can be compared. */
export function sparkTop(values: readonly (number | null)[]): number {
  const largest = Math.max(0, ...values.map((v) => v ?? 0));
  return [25, 50].find((top) => largest * 1.1 <= top) ?? 100;
}

/** SVG path of the values that stand alone, to be drawn with a thicker line. */
export function dotPath(values: readonly (number | null)[], width: number, height: number, top = 100): string {
  const lone = values.map((v, i) => ((values[i - 1] ?? null) === null && (values[i + 1] ?? null) === null ? v : null));
  return sparkPath(lone, width - 3, height, top);
}

/** SVG path along the bottom for the part before the first value: the time in which nothing was measured yet. */
export function trackPath(values: readonly (number | null)[], width: number, height: number): string {
  const first = values.findIndex((v) => v !== null);
  const end = first < 0 ? width : values.length > 1 ? (first * width) / (values.length - 1) - 4 : 0;
  return end > 0 ? `M0 ${height - 1}H${end.toFixed(1)}` : "";
}

/**
 * A sparkline by the minute with one more value in it: a new minute moves it on, the same minute takes the mean.
 * @param minute the value's, since 1970
 * @param last minute of the newest value so far
 * @param count how many values are in that minute already
 */
export function withValue(
  values: readonly (number | null)[],
  value: number | null,
  { minute, last, count }: { minute: number; last: number; count: number },
): (number | null)[] {
  if (minute > last) {
    const missed = Math.min(values.length - 1, minute - last - 1);
    return [...values.slice(missed + 1), ...Array.from({ length: missed }, () => null), value];
  }
  const newest = values.at(-1) ?? null;
  const mean = value === null || newest === null ? (value ?? newest) : (newest * count + value) / (count + 1);
  return [...values.slice(0, -1), mean];
}
