import type { PostgresJsDatabase } from "drizzle-orm/postgres-js";
import type postgres from "postgres";

/** postgres.js client. */
export type Sql = postgres.Sql;
/** drizzle over postgres.js, with `casing: "snake_case"`. */
export type Database = PostgresJsDatabase;
