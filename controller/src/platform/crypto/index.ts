export { createMasterKey, loadMasterKey, type MasterKey } from "./master-key.ts";
export { loadTaskSigningKey, type TaskSigningKey } from "./task-signing-key.ts";
