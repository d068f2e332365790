import { clean, type Style } from "./style.ts";

export interface Column<T> {
  readonly title: string;
  readonly value: (row: T) => string;
  readonly align?: "right";
  /** Applied after the width was measured. */
  readonly paint?: (text: string, row: T) => string;
  /** Cut to fit the terminal when it must; at most one column. */
  readonly flexible?: boolean;
}

const segments = new Intl.Segmenter();
const wide = /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6]/u;

/** Columns that a text takes: Chinese, Japanese, Korean characters and emoji take two. */
export function widthOf(text: string): number {
  if (/^[\u0020-\u007e]*$/.test(text)) return text.length;
  let width = 0;
  for (const { segment } of segments.segment(text)) width += wide.test(segment) ? 2 : 1;
  return width;
}

function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = "";
  for (const { segment } of segments.segment(text)) {
    if (widthOf(kept + segment) > width - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}

/** A table as lines, header first. @param columns width of the terminal; Infinity: nothing is cut */
export function table<T>(rows: readonly T[], shape: readonly Column<T>[], style: Style, columns = Infinity): string {
  const cells = rows.map((row) => shape.map(({ value }) => clean(value(row))));
  const widths = shape.map(({ title }, i) => Math.max(widthOf(title), ...cells.map((line) => widthOf(line[i] as string))));
  const flexible = shape.findIndex((column) => column.flexible === true);
  const total = widths.reduce((sum, width) => sum + width + 2, -2);
  if (flexible !== -1 && total > columns) widths[flexible] = Math.max(8, (widths[flexible] as number) - (total - columns));
  const lineOf = (line: readonly string[], paint: (text: string, i: number) => string) =>
    line
      .map((cell, i) => {
        const width = widths[i] as number;
        const text = cut(cell, width);
        const space = " ".repeat(width - widthOf(text));
        const isLast = i === shape.length - 1;
        return shape[i]?.align === "right" ? space + paint(text, i) : paint(text, i) + (isLast ? "" : space);
      })
      .join("  ")
      .trimEnd();
  const head = lineOf(
    shape.map(({ title }) => title),
    (text) => style.dim(text),
  );
  return [head, ...cells.map((line, n) => lineOf(line, (text, i) => shape[i]?.paint?.(text, rows[n] as T) ?? text))].join("\n");
}

/** "name   value" lines of one thing. */
export function facts(pairs: readonly (readonly [string, string])[], style: Style): string {
  const width = Math.max(...pairs.map(([name]) => widthOf(name)));
  return pairs.map(([name, value]) => `${style.dim(name.padEnd(width))}  ${value}`).join("\n");
}
