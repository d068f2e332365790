/** Flags without which a pattern means the same to JSON Schema, which reads patterns as unicode ones. */
const harmless = /^[dguvy]*$/;

/**
 * JSON Schema knows no flags, but the generator writes the "/u" of /^\p{L}+$/u behind the pattern. Takes them away,
 * throughout a document. Throws Error for a flag that changes what a pattern means, such as i: write it without.
 */
export function plainPatterns<T>(node: T): T {
  if (Array.isArray(node)) return node.map(plainPatterns) as T;
  if (typeof node !== "object" || node === null) return node;
  return Object.fromEntries(
    Object.entries(node).map(([key, value]) => [key, key === "pattern" && typeof value === "string" ? plain(value) : plainPatterns(value)]),
  ) as T;
}

function plain(pattern: string): string {
  // A slash of the pattern's own is escaped, or within [], which something must close behind it.
  const [, source, flags] = /^(.*?(?<!\\)(?:\\\\)*)\/([a-z]+)$/s.exec(pattern) ?? [];
  if (source === undefined || flags === undefined) return pattern;
  if (!harmless.test(flags)) throw new Error(`/${pattern}: JSON Schema knows no flag "${flags}"; write the pattern without it`);
  return source;
}
