import { randomBytes, X509Certificate } from "node:crypto";
import { connect, createServer, type TLSSocket } from "node:tls";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createMasterKey } from "../../platform/crypto/index.ts";
import { authority, authorityFacts, enrolmentCredentials, gatewayCredentials } from "./authority.ts";
import { caKeys } from "./schema.ts";
import { testContext, type TestContext } from "./test-context.ts";

const dayMs = 86_400_000;
let t: TestContext;
beforeAll(async () => void (t = await testContext()));
afterAll(() => t.close());

test("several processes that start at once make one authority", async () => {
  await expect(authorityFacts(t.ctx)).rejects.toMatchObject({ code: "unavailable" });
  const contexts = await Promise.all([1, 2, 3].map(() => t.again()));
  const made = await Promise.all(contexts.map((ctx) => authority(ctx)));
  expect(new Set(made.map((keys) => keys.root.certificatePem)).size).toBe(1);
  expect((await t.ctx.db.select().from(caKeys)).map((row) => row.name).toSorted()).toEqual([
    "enrolment",
    "gateway",
    "intermediate",
    "root",
  ]);
});

test("keys are in the database in wrapped form only, and another master key opens nothing", async () => {
  const keys = await authority(t.ctx);
  for (const row of await t.ctx.db.select().from(caKeys)) {
    const name = row.name as keyof typeof keys;
    expect(row.wrappedKey.includes(keys[name].privateKey.subarray(-32))).toBe(false);
  }
  const stranger = await t.again({ masterKey: createMasterKey(randomBytes(32)) });
  await expect(authority(stranger)).rejects.toMatchObject({ code: "internal" });
});

test("the gateway's certificate verifies under its fixed name and no other", async () => {
  const credentials = await gatewayCredentials(t.ctx);
  const server = createServer({ cert: credentials.certificateChainPem, key: credentials.privateKeyPem });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  const dial = (servername: string) =>
    new Promise<string>((done) => {
      const socket: TLSSocket = connect({ host: "127.0.0.1", port, servername, ca: [...credentials.caPem] });
      socket.once("secureConnect", () => (done("verified"), socket.destroy()));
      socket.once("error", (error: NodeJS.ErrnoException) => done(error.code ?? "error"));
    });
  expect(await dial(`gateway.${t.ctx.installation.id}.devflow.internal`)).toBe("verified");
  expect(await dial("enrol.devflow.internal")).toBe("ERR_TLS_CERT_ALTNAME_INVALID");
  server.close();
});

test("the root signs one intermediate below it, which signs nothing that can sign", async () => {
  const { X509Certificate: Parsed, BasicConstraintsExtension } = await import("@peculiar/x509");
  const keys = await authority(t.ctx);
  const constraints = (pem: string) => {
    const found = new Parsed(pem).getExtension(BasicConstraintsExtension);
    return [found?.critical, found?.ca, found?.pathLength];
  };
  expect(constraints(keys.root.certificatePem)).toEqual([true, true, 1]);
  expect(constraints(keys.intermediate.certificatePem)).toEqual([true, true, 0]);
  for (const leaf of [keys.gateway, keys.enrolment]) expect(constraints(leaf.certificatePem).slice(0, 2)).toEqual([true, false]);
});

test("the intermediate and listeners are replaced before their end; root and enrolment key stay", async () => {
  const before = await authority(t.ctx);
  const facts = await authorityFacts(t.ctx);
  t.clock.nowMs += 61 * dayMs; // listener certificates: 90 days, replaced at 30 left
  const later = await authority(t.ctx);
  expect(later.intermediate.certificatePem).toBe(before.intermediate.certificatePem);
  expect(later.gateway.certificatePem).not.toBe(before.gateway.certificatePem);
  t.clock.nowMs += 190 * dayMs; // the intermediate has less than 120 days left
  const next = await authority(t.ctx);
  expect(next.intermediate.certificatePem).not.toBe(before.intermediate.certificatePem);
  expect(next.root.certificatePem).toBe(before.root.certificatePem);
  expect(await authorityFacts(t.ctx)).toEqual(facts);
  // What the old intermediate signed is still good: both hang on the same root.
  for (const keys of [before, next])
    expect(new X509Certificate(keys.intermediate.certificatePem).verify(new X509Certificate(before.root.certificatePem).publicKey)).toBe(
      true,
    );
  expect(new X509Certificate((await enrolmentCredentials(t.ctx)).certificateChainPem).validToDate.getTime()).toBeGreaterThan(
    t.clock.nowMs + 80 * dayMs,
  );
});
