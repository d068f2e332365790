/**
 * Text from an agent as it may be stored, logged and shown: without control characters and bidirectional overrides,
 * well-formed, and at most so many characters long.
 */
export const cleanText = (text: string, maxLength: number): string =>
  text
    .toWellFormed()
    .replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, "")
    .slice(0, maxLength)
    .toWellFormed()
    .trim();
