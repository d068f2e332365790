import type { TagColor } from "@devflow/api";

/** Custom property of a tag's colour; the palette of the charts, since it is told apart by everybody. */
const properties: Record<TagColor, string> = {
  grey: "--idle",
  blue: "--s1",
  amber: "--s2",
  teal: "--s3",
  pink: "--s4",
  violet: "--s5",
  cyan: "--s6",
  orange: "--s7",
  olive: "--s8",
};
export const colorOf = (color: TagColor): string => `var(${properties[color]})`;
