import { status } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { outcomeOf, unreachable } from "./outcome.ts";

test.each([
  ["revoked: the certificate was revoked", /removed or its certificate revoked/],
  ["cloned: two spools", /Another machine uses the same identity/],
  ["quarantined", /restored from a backup/],
  ["unknown: no such identity", /does not know this server/],
  ["something else", /refuses this server: something else/],
])("%s is a refusal", (details, words) => {
  expect(outcomeOf({ code: status.PERMISSION_DENIED, details }, false)).toMatchObject({
    kind: "refused",
    message: expect.stringMatching(words),
  });
});

test("an expired certificate is renewed, not refused", () => {
  expect(outcomeOf({ code: status.PERMISSION_DENIED, details: "expired: it ended" }, false)).toMatchObject({
    kind: "unreachable",
    expired: true,
  });
});

test("a broken bound is a lost connection, and what was in flight is suspect", () => {
  expect(outcomeOf({ code: status.INVALID_ARGUMENT, details: "batch 7" }, true)).toMatchObject({ kind: "lost", boundBroken: true });
  expect(outcomeOf({ code: status.UNAVAILABLE, details: "Connection dropped" }, true)).toEqual({
    kind: "lost",
    message: "Connection lost: Connection dropped",
  });
});

test.each([
  ["No connection established. Last error: connect ECONNREFUSED 127.0.0.1:1 (2026-01-01)", /Nothing listens/],
  ["Name resolution failed for target dns:nowhere.invalid:8443", /check DNS/],
  ["No connection established. Last error: unable to verify the first certificate", /not from the CA/],
  ["Last error: Hostname/IP does not match certificate's altnames: Host: x", /another name/],
  ["Last error: certificate is not yet valid", /clock is behind/],
  ["Last error: write EPROTO ssl3_get_record:wrong version number", /does not speak TLS/],
  ["something new", /cannot be reached: something new/],
])("%s is told in words", (details, words) => {
  expect(unreachable(details)).toMatch(words);
});
