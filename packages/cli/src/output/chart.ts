const bars = "▁▂▃▄▅▆▇█";
type Values = readonly (number | null)[];

/** At most `width` values, each the mean of those it stands for; null where all are null. */
export function resample(values: Values, width: number): (number | null)[] {
  if (values.length <= width) return [...values];
  return Array.from({ length: width }, (_, i) => {
    const from = Math.floor((i * values.length) / width);
    const part = values.slice(from, Math.max(from + 1, Math.floor(((i + 1) * values.length) / width))).filter((v) => v !== null);
    return part.length === 0 ? null : part.reduce((sum, v) => sum + v, 0) / part.length;
  });
}

/** One line; gaps are spaces. @param top value of a full bar; default the largest */
export function sparkline(values: Values, width: number, top?: number): string {
  const shown = resample(values, width);
  const highest = top ?? Math.max(0, ...shown.filter((v) => v !== null));
  return shown
    .map((v) => (v === null ? " " : bars[Math.min(7, Math.max(0, Math.floor(highest === 0 ? 0 : (v / highest) * 7.999)))]))
    .join("");
}

/** Several lines with a scale on the left, from 0 to `top`. @param label writes a value of the scale */
export function chart(values: Values, size: { width: number; height: number }, top: number, label: (value: number) => string): string[] {
  const labels = Array.from({ length: size.height }, (_, row) => (row === 0 ? label(top) : row === size.height - 1 ? label(0) : ""));
  const margin = Math.max(...labels.map((text) => text.length));
  const shown = resample(values, Math.max(10, size.width - margin - 2));
  return labels.map((text, row) => {
    const floor = size.height - 1 - row;
    const line = shown.map((v) => {
      if (v === null) return " ";
      const eighths = Math.round((Math.max(0, v) / (top || 1)) * size.height * 8) - floor * 8;
      // The lowest line shows where there is a value at all.
      return eighths >= 8 ? "█" : eighths > 0 ? bars[eighths - 1] : floor === 0 ? bars[0] : " ";
    });
    return `${text.padStart(margin)} ┤${line.join("")}`.trimEnd();
  });
}
