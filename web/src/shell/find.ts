/**
 * How well a name answers what was typed: 0 not at all, larger is better. Every letter has to occur in order;
 * the start of the name, starts of its words and letters side by side count more.
 */
export function score(name: string, typed: string): number {
  const text = name.toLowerCase();
  const wanted = typed.toLowerCase().trim();
  if (wanted === "") return 1;
  const at = text.indexOf(wanted);
  if (at === 0) return 1000 - text.length;
  if (at > 0) return (/[\s._-]/.test(text[at - 1] ?? "") ? 800 : 600) - text.length;
  let from = 0;
  let points = 100;
  for (const letter of wanted.replaceAll(" ", "")) {
    const found = text.indexOf(letter, from);
    if (found < 0) return 0;
    points -= found - from;
    from = found + 1;
  }
  return Math.max(1, points);
}

/** The best `max` of a list, best first. */
export function best<T>(items: Iterable<T>, name: (item: T) => string, typed: string, max: number): T[] {
  const found: { item: T; points: number }[] = [];
  for (const item of items) {
    const points = score(name(item), typed);
    if (points > 0) found.push({ item, points });
  }
  return found
    .sort((a, b) => b.points - a.points)
    .slice(0, max)
    .map((f) => f.item);
}
