/** Why a text cannot be a tag, in words; null when it can. The controller asks the same. */
export const wrongTag = (text: string): string | null =>
  text.length > 50
    ? "At most 50 characters."
    : /^[\p{L}\p{M}\p{N}._:/-]+$/u.test(text)
      ? null
      : "Letters, digits and . _ - : / without spaces.";
