const split = (text: string): string[] => text.match(/(?:"[^"]*"?|[^\s"])+/g) ?? [];
const valuesOf = (piece: string, key: string): string[] =>
  piece.startsWith(`${key}:`)
    ? piece
        .slice(key.length + 1)
        .replaceAll('"', "")
        .split(",")
        .filter(Boolean)
    : [];
const quoted = (value: string): string => (/\s/.test(value) ? `"${value}"` : value);

/** What a filter asks of one key, "tag:a,b tag:c" → a, b, c; pieces that are turned round do not count. */
export const pieceValues = (text: string, key: string): string[] => split(text).flatMap((piece) => valuesOf(piece, key));

/**
 * The filter with a value taken in, or out when it is there already; all else stays as it was typed.
 * @param any whether one piece holds all values (any of them passes) or each has its own (all have to hold)
 */
export function togglePiece(text: string, key: string, value: string, any: boolean): string {
  const same = (one: string) => one.toLowerCase() === value.toLowerCase();
  const had = pieceValues(text, key);
  const there = had.some(same);
  if (any) {
    const values = there ? had.filter((one) => !same(one)) : [...had, value];
    const others = split(text).filter((piece) => !piece.startsWith(`${key}:`));
    return [...others, ...(values.length > 0 ? [`${key}:${quoted(values.join(","))}`] : [])].join(" ");
  }
  const kept = split(text).flatMap((piece) => {
    if (!valuesOf(piece, key).some(same)) return [piece];
    const rest = valuesOf(piece, key).filter((one) => !same(one));
    return rest.length > 0 ? [`${key}:${quoted(rest.join(","))}`] : [];
  });
  return [...kept, ...(there ? [] : [`${key}:${quoted(value)}`])].join(" ");
}
