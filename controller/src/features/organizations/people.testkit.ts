import { randomUUID } from "node:crypto";
import { hashPassword } from "../../platform/auth/password.ts";
import { afterAll, beforeAll, beforeEach } from "vitest";
import { type Answer, type Ask, testWeb, type TestWeb } from "../../testing/web.ts";

const password = "a quiet afternoon outside";
let hash: Promise<string> | undefined;

export interface Person {
  readonly id: string;
  readonly email: string;
  readonly cookie: string;
  /** A request of this person, with the session cookie. */
  ask(path: string, ask?: Ask): Promise<Answer>;
}

export interface TestGrant {
  /** Built-in role, or a custom role's id. */
  readonly role: string;
  /** Default the whole organisation. */
  readonly over?: readonly ["team" | "group", string];
}

/**
 * The set-up of a file's tests: one web for all, and before each test an organisation of its own with its owner.
 * @param set gets them before each test
 */
export function inOwnOrganization(set: (made: { web: TestWeb; org: string; owner: Person }) => void): void {
  let web: TestWeb;
  beforeAll(async () => {
    web = await testWeb();
  });
  afterAll(() => web.close());
  beforeEach(async () => {
    const org = await web.organization();
    set({ web, org, owner: await person(web, { [org]: [{ role: "owner" }] }) });
  });
}

/** A signed-in user with a password, who belongs to these organisations. */
export async function person(
  web: TestWeb,
  organizations: Readonly<Record<string, readonly TestGrant[]>>,
  { email = `${randomUUID()}@example.com`, verified = true }: { email?: string; verified?: boolean } = {},
): Promise<Person> {
  const { sql } = web.ctx;
  const id = randomUUID();
  await sql`insert into users (id, name, email, email_verified) values (${id}, ${email.split("@")[0]!}, ${email}, ${verified})`;
  await sql`insert into accounts (id, account_id, provider_id, user_id, password) values (${randomUUID()}, ${id}, 'credential', ${id}, ${await (hash ??= hashPassword(password))})`;
  for (const [organizationId, list] of Object.entries(organizations)) {
    await sql`insert into memberships (organization_id, user_id) values (${organizationId}, ${id})`;
    for (const grant of list) await give(web, organizationId, "user", id, grant);
  }
  const answer = await web.ask("/api/v1/session", { method: "POST", json: { email, password } });
  if (answer.status !== 200) throw new Error(`sign-in of ${email}: ${answer.status} ${JSON.stringify(answer.body)}`);
  const cookie = cookieOf(answer);
  return { id, email, cookie, ask: (path, ask = {}) => web.ask(path, { cookie, ...ask }) };
}

export const cookieOf = (answer: Answer): string =>
  answer.headers
    .getSetCookie()
    .map((value) => value.split(";", 1)[0])
    .join("; ");

/** A grant row as the verbs write it. */
export async function give(web: TestWeb, organizationId: string, kind: string, id: string, { role, over }: TestGrant): Promise<void> {
  const [scopeKind, scopeId] = over ?? ["organization", organizationId];
  const isId = role.length === 36;
  await web.ctx.sql`insert into grants (organization_id, principal_kind, principal_id, role, role_id, scope_kind, scope_id)
    values (${organizationId}, ${kind}, ${id}, ${isId ? null : role}, ${isId ? role : null}, ${scopeKind}, ${scopeId})`;
}

export async function makeGroup(web: TestWeb, organizationId: string, teamId: string | null = null): Promise<string> {
  const [row] = await web.ctx.sql<{ id: string }[]>`
    insert into server_groups (organization_id, name, team_id) values (${organizationId}, ${randomUUID()}, ${teamId}) returning id`;
  return row!.id;
}

export async function makeTeam(web: TestWeb, organizationId: string, members: readonly string[] = []): Promise<string> {
  const [row] = await web.ctx.sql<
    { id: string }[]
  >`insert into teams (organization_id, name) values (${organizationId}, ${randomUUID()}) returning id`;
  for (const userId of members)
    await web.ctx.sql`insert into team_members (team_id, organization_id, user_id) values (${row!.id}, ${organizationId}, ${userId})`;
  return row!.id;
}

export const everywhere = (role: string) => ({ role, scope: { kind: "organization" } });

/** Actions of the audit log and types of the events of an organisation, oldest first. */
export async function told(web: TestWeb, organizationId: string): Promise<{ audit: string[]; events: string[] }> {
  const audit = await web.ctx.sql<
    { action: string }[]
  >`select action from audit_log where organization_id = ${organizationId} order by sequence`;
  const events = await web.ctx.sql<{ type: string }[]>`select type from events where organization_id = ${organizationId} order by sequence`;
  return { audit: audit.map(({ action }) => action), events: events.map(({ type }) => type) };
}
