/**
 * SVG path of a sparkline; a null is a gap.
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
    pen = true;
  });
  return path;
}
