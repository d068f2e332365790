import type { DatabaseTarget } from "../platform/db/index.ts";

/** The PostgreSQL of a test run: where to make databases, and the migrated template to copy. */
export interface TestDatabaseServer {
  readonly admin: DatabaseTarget;
  readonly template: string;
}

/** The same server, another database. */
export function ofDatabase(target: DatabaseTarget, database: string): DatabaseTarget {
  if (!("url" in target)) return { ...target, database };
  const url = new URL(target.url);
  url.pathname = `/${database}`;
  return { url: url.href };
}
