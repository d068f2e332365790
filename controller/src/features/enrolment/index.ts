import type { Feature } from "../../platform/feature.ts";
import { enrolmentRoutes } from "./routes.ts";
import { startEnrolment } from "./start.ts";

export {
  agentTrust,
  type AuthorityFacts,
  authorityFacts,
  enrolmentCredentials,
  gatewayCredentials,
  type TlsCredentials,
} from "./authority.ts";
export { type AgentIdentifier, identifyAgent } from "./identify-agent.ts";
export { type RenewCertificate, renewCertificate } from "./renew-certificate.ts";
export { revokeServer } from "./revoke-server.ts";
export { deleteServer } from "./delete-server.ts";
export { releaseServer } from "./release-server.ts";
export { createToken, type CreateTokenInput } from "./create-token.ts";
export { listTokens } from "./list-tokens.ts";
export { revokeToken } from "./revoke-token.ts";
export { type AfterRestore, afterRestore } from "./after-restore.ts";

export { installFiles } from "./install/files.ts";

export const enrolment: Feature = {
  name: "enrolment",
  sealed: [{ table: "ca_keys", column: "wrapped_key", key: ["name"], by: "master", purpose: (name) => `ca_keys.${name}` }],
  routes: enrolmentRoutes,
  start: startEnrolment,
};
