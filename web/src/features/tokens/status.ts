/** What a token's row says about it. */
export interface TokenStatus {
  readonly word: string;
  readonly tone: "good" | "idle";
}

/**
 * @param token either kind of token
 * @param nowMs milliseconds since 1970
 */
export function tokenStatus(
  token: { revokedAt: string | null; expiresAt: string | null; uses?: number; maxUses?: number },
  nowMs: number,
): TokenStatus {
  if (token.revokedAt !== null) return { word: "Revoked", tone: "idle" };
  if (token.expiresAt !== null && Date.parse(token.expiresAt) <= nowMs) return { word: "Expired", tone: "idle" };
  if (token.uses !== undefined && token.maxUses !== undefined && token.uses >= token.maxUses) return { word: "Used up", tone: "idle" };
  return { word: "Active", tone: "good" };
}
