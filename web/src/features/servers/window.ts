/**
 * Which rows of a long list are in the document.
 * @param top how far the list's upper edge is above the viewport's, pixels; negative when below
 * @param viewport height, pixels
 * @returns half-open range, with `overscan` rows on both sides
 */
export function visibleRange(
  top: number,
  viewport: number,
  rowHeight: number,
  count: number,
  overscan: number,
): { from: number; to: number } {
  const from = Math.max(0, Math.min(count, Math.floor(top / rowHeight) - overscan));
  const to = Math.max(from, Math.min(count, Math.ceil((top + viewport) / rowHeight) + overscan));
  return { from, to };
}
