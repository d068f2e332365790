import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { expect, it } from "vitest";
import { makeAgentCertificate, makeIntermediate, makeRoot, newSerial } from "./certificates.ts";
import { spkiOf } from "./spki.ts";

const id = "6f1c2f1e-8a52-4a3b-9d0c-0d5f7a1b2c3d";

it("cuts out of a certificate the very key that it was issued for", async () => {
  const root = await makeRoot(id, Date.now());
  const issuer = await makeIntermediate(root, id, Date.now());
  for (let i = 0; i < 5; i++) {
    const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const uri = `devflow://${id}/1/${id}`;
    const { certificatePem } = await makeAgentCertificate({ issuer, publicKey, agentId: id, uri, serial: newSerial(), nowMs: Date.now() });
    const { raw } = new X509Certificate(certificatePem);
    expect(Buffer.from(spkiOf(raw))).toEqual(publicKey.export({ format: "der", type: "spki" }));
    for (let end = 0; end < raw.length; end++) expect(() => spkiOf(raw.subarray(0, end))).toThrow("expected a certificate");
  }
  expect(() => spkiOf(new X509Certificate(root.certificatePem).publicKey.export({ format: "der", type: "spki" }))).toThrow(
    "expected a certificate",
  );
});
