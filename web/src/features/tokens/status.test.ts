import { expect, it } from "vitest";
import { tokenStatus } from "./status.ts";

const token = { revokedAt: null, expiresAt: "2026-11-20T10:00:00Z", uses: 0, maxUses: 1 };
const before = Date.parse("2026-11-20T09:00:00Z");

it("says why a token no longer works", () => {
  expect(tokenStatus(token, before).word).toBe("Active");
  expect(tokenStatus(token, before + 3_600_000).word).toBe("Expired");
  expect(tokenStatus({ ...token, uses: 1 }, before).word).toBe("Used up");
  expect(tokenStatus({ ...token, uses: 1, revokedAt: "2026-11-20T08:00:00Z" }, before).word).toBe("Revoked");
  expect(tokenStatus({ revokedAt: null, expiresAt: null }, before).word).toBe("Active");
});
