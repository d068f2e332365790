import { generateKeyPairSync, sign } from "node:crypto";
import { expect, test } from "vitest";
import { agentUri, parseAgentUri, proves, readAgentKey, replacementDue } from "./rules.ts";

const agent = { installationId: "11111111-1111-4111-8111-111111111111", epoch: 3, agentId: "22222222-2222-4222-8222-222222222222" };

test("an agent's name in its certificate is read back, and nothing else is taken for one", () => {
  expect(parseAgentUri(agentUri(agent))).toEqual(agent);
  const uri = agentUri(agent);
  for (const wrong of [
    "",
    `${uri}/`,
    ` ${uri}`,
    `${uri}, URI:${uri}`,
    uri.replace("/3/", "/-3/"),
    uri.toUpperCase(),
    "https://example.com/",
  ])
    expect(parseAgentUri(wrong)).toBeNull();
});

const der = (namedCurve: string) => generateKeyPairSync("ec", { namedCurve }).publicKey.export({ format: "der", type: "spki" });

test("an agent's key is P-256 in its one form", () => {
  expect(readAgentKey(der("P-256"))?.asymmetricKeyType).toBe("ec");
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({ format: "der", type: "spki" });
  const offCurve = der("P-256");
  offCurve[90] = (offCurve[90] ?? 0) ^ 1;
  for (const wrong of [
    der("P-384"),
    der("secp256k1"),
    rsa,
    Buffer.alloc(0),
    Buffer.alloc(91),
    Buffer.concat([der("P-256"), Buffer.alloc(1)]),
    offCurve,
  ])
    expect(readAgentKey(wrong)).toBeNull();
});

test("a proof is the signature of that key over those bytes", () => {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const bytes = Buffer.from("said");
  expect(proves(publicKey, bytes, sign("sha256", bytes, privateKey))).toBe(true);
  expect(proves(publicKey, Buffer.from("else"), sign("sha256", bytes, privateKey))).toBe(false);
  expect(proves(publicKey, bytes, Buffer.from("garbage"))).toBe(false);
});

test("a certificate is replaced once less than the overlap is left", () => {
  expect(replacementDue(1_000, 100, 900)).toBe(false);
  expect(replacementDue(1_000, 100, 901)).toBe(true);
});
