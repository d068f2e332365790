export { checkKeys, masterKeyCheck } from "./check-keys.ts";
export { createMasterKey, loadMasterKey, type MasterKey } from "./master-key.ts";
export { openForOrganization, sealForOrganization } from "./organization-keys.ts";
export type { SealedColumn } from "./sealed-columns.ts";
export { loadTaskSigningKey, type TaskSigningKey, taskSigningPublicKey } from "./task-signing-key.ts";
