// node _enrol.ts DATA_DIR COUNT OUT: enrols agents on a fresh installation and writes what they hold to OUT.
import { writeFileSync } from "node:fs";
import { readConfig } from "../controller/src/config.ts";
import { createToken, gatewayCredentials } from "../controller/src/features/enrolment/index.ts";
import { enrolAgent } from "../controller/src/features/enrolment/test-agent.ts";
import { lifetimes } from "../controller/src/features/enrolment/rules.ts";
import { startController } from "../controller/src/main.ts";
import { users } from "../controller/src/platform/auth/schema.ts";
import { roleAccess } from "../controller/src/platform/auth/index.ts";

const [dataDir, count, out] = process.argv.slice(2) as [string, string, string];
const settings: Record<string, string> = {
  DEVFLOW_DATA_DIR: dataDir,
  DEVFLOW_PORT: "0",
  DEVFLOW_GATEWAY_PORT: "0",
  DEVFLOW_ENROL_PORT: "0",
  DEVFLOW_LOCAL_AGENT: "off",
  DEVFLOW_LOG_LEVEL: "error",
};
// For tests: another database than the embedded one, and a user who can sign in.
for (const name of ["DATABASE_URL", "DEVFLOW_SECRET_KEY", "DEVFLOW_ADMIN_EMAIL", "DEVFLOW_ADMIN_PASSWORD"] as const) {
  const value = process.env[name];
  if (value !== undefined) settings[name] = value;
}
const controller = await startController(readConfig(settings));
const { ctx } = controller;
await ctx.db.insert(users).values({ id: "bench", name: "bench", email: "bench@example.com" }).onConflictDoNothing();
const principal = {
  kind: "user",
  id: "bench",
  name: "bench",
  organizationId: ctx.installation.defaultOrganizationId,
  userId: null,
  access: roleAccess("admin", ctx.installation.defaultOrganizationId),
  address: null,
  requestId: "bench",
} as const;
const { secret } = await createToken({ ctx, principal, input: { requestHost: null, maxUses: 10_000 } });
// For tests: certificates that end so many milliseconds from now; before, when it is negative.
const endsInMs = process.env["DEVFLOW_BENCH_CERTIFICATES_END_IN_MS"];
const clock = endsInMs === undefined ? ctx.clock : { now: () => Date.now() - lifetimes.agentMs + Number(endsInMs) };
const identities: { agentId: string; keyPem: string; certificatePem: string }[] = [];
while (identities.length < Number(count)) {
  const wave = Array.from({ length: Math.min(8, Number(count) - identities.length) }, () => enrolAgent({ ...ctx, clock }, secret));
  for (const { agentId, keyPem, certificatePem } of await Promise.all(wave)) identities.push({ agentId, keyPem, certificatePem });
}
const { caPem, name } = await gatewayCredentials(ctx);
writeFileSync(out, JSON.stringify({ identities, caPem: caPem.join(""), gatewayName: name }));
await controller.stop();
process.exit(0);
