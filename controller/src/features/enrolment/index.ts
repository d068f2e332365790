export { type AuthorityFacts, authorityFacts, enrolmentCredentials, gatewayCredentials, type TlsCredentials } from "./authority.ts";
export { type AgentIdentifier, identifyAgent, type Identified, type Refusal } from "./identify-agent.ts";
export { type RenewCertificate, renewCertificate } from "./renew-certificate.ts";
export { revokeServer } from "./revoke-server.ts";
export { deleteServer } from "./delete-server.ts";
export { releaseServer } from "./release-server.ts";
