import { randomUUID } from "node:crypto";
import type { Role } from "@devflow/api";
import { newTokenSecret, tokenHash } from "../features/tokens/secret.ts";
import type { TestWeb } from "./web.ts";

/** One role of a test token: over a group, a team's things, or everything (null). */
export interface TestGrant {
  readonly role: Role;
  readonly group?: string;
  readonly team?: string;
}

/** A token with roles in parts of the default organisation. */
export async function tokenWith(web: TestWeb, ...grants: readonly TestGrant[]): Promise<string> {
  const { sql, installation } = web.ctx;
  const organizationId = installation.defaultOrganizationId;
  const secret = newTokenSecret();
  const id = randomUUID();
  await sql`insert into api_tokens (id, organization_id, name, prefix, sha256) values (${id}, ${organizationId}, 'parts', 'devflow_api_', ${tokenHash(secret)})`;
  for (const { role, group, team } of grants) {
    const kind = group !== undefined ? "group" : team !== undefined ? "team" : "organization";
    await sql`insert into grants (organization_id, principal_kind, principal_id, role, scope_kind, scope_id)
      values (${organizationId}, 'token', ${id}, ${role}, ${kind}, ${group ?? team ?? organizationId})`;
  }
  return secret;
}

/** A team of the default organisation. */
export async function testTeam(web: TestWeb, name: string): Promise<string> {
  const [row] = await web.ctx.sql<
    { id: string }[]
  >`insert into teams (organization_id, name) values (${web.ctx.installation.defaultOrganizationId}, ${name}) returning id`;
  return row!.id;
}

/** A group of the default organisation, perhaps a team's. */
export async function testGroup(web: TestWeb, name: string, teamId: string | null = null): Promise<string> {
  const [row] = await web.ctx.sql<{ id: string }[]>`
    insert into server_groups (organization_id, name, team_id) values (${web.ctx.installation.defaultOrganizationId}, ${name}, ${teamId}) returning id`;
  return row!.id;
}

/** A server in a group, with tags. */
export async function groupedServer(web: TestWeb, name: string, groupId: string | null, tags: readonly string[] = []): Promise<string> {
  const id = await web.server({ name });
  await web.ctx.sql`update servers set group_id = ${groupId}, tags = string_to_array(${tags.join(",")}, ',') where id = ${id}`;
  return id;
}
