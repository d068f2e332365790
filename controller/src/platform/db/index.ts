export { arrayLiteral } from "./array.ts";
export { beforeCommit } from "./before-commit.ts";
export { createClient, createDrizzle, type DatabaseTarget } from "./client.ts";
export { makeDataDir } from "./embedded/index.ts";
export { databaseUnavailable, sqlState } from "./errors.ts";
export { ensureInstallation, type Installation } from "./installation.ts";
export { migrate, schemaLock, underSchemaLock } from "./migrate.ts";
export { type OpenDatabase, openDatabase } from "./open.ts";
export type { Database, Sql } from "./sql.ts";
