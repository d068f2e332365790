import type { TagColor } from "@devflow/api";
import { sql } from "drizzle-orm";
import type { Database } from "../../../platform/db/index.ts";

export interface TagState {
  color: TagColor;
  description: string;
  servers: number;
  /** Whether it was given a colour or a description. */
  described: boolean;
}

/** A tag as it is; null when no server has it and nobody described it. */
export async function tagState(tx: Pick<Database, "execute">, organizationId: string, name: string): Promise<TagState | null> {
  const [row] = await tx.execute<{ color: TagColor | null; description: string | null; servers: number }>(sql`
    select t.color, t.description, n.servers
    from (select count(*)::int as servers from servers where organization_id = ${organizationId} and tags @> array[${name}::text]) n
    left join tags t on t.organization_id = ${organizationId} and t.name = ${name}`);
  if (row === undefined || (row.color === null && row.servers === 0)) return null;
  return { color: row.color ?? "grey", description: row.description ?? "", servers: row.servers, described: row.color !== null };
}
