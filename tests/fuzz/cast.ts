import { randomUUID } from "node:crypto";
import { type Role, roles } from "@devflow/api";
import { newTokenSecret, tokenHash } from "../../controller/src/features/tokens/secret.ts";
import { hashPassword } from "../../controller/src/platform/auth/password.ts";
import type { TestWeb } from "../../controller/src/testing/web.ts";

/** Somebody who asks. */
export interface Player {
  readonly name: string;
  /** "authorization" or "cookie", and the address it comes from. */
  readonly headers: Readonly<Record<string, string>>;
  readonly password: string;
  /** Of a person; null: a program. */
  readonly email: string | null;
  /** Whether its credentials are good when it is made. */
  readonly known: boolean;
}

/** A player's name and how it comes to be, each time with a new person or token, so that nothing old clings to it. */
export interface Part {
  readonly name: string;
  /** How often it is drawn, compared with others. */
  readonly weight: number;
  make(): Promise<Player>;
}

interface Made {
  readonly headers: Record<string, string>;
  readonly email?: string;
}
type Place = { kind: "organization" | "group"; id: string };

export interface Cast {
  readonly parts: readonly Part[];
  /** Brings back what no request can make and requests can remove: servers, and the group that some are bound to. */
  restore(): Promise<void>;
}

/** Everybody that any route has to tell apart. */
export async function castOf(web: TestWeb): Promise<Cast> {
  const { sql, installation } = web.ctx;
  const home = installation.defaultOrganizationId;
  const foreign = await web.organization();
  const [group] = await sql<{ id: string }[]>`insert into server_groups (organization_id, name) values (${home}, 'fuzzed') returning id`;
  const restore = async () => {
    await sql`update organizations set delete_after = null`;
    await sql`insert into server_groups (id, organization_id, name) values (${group!.id}, ${home}, ${randomUUID()}) on conflict (id) do nothing`;
    for (const name of ["web-1", "web-2", "db"]) await web.server({ name });
    await web.server({ organizationId: foreign, name: "foreign" });
    await sql`insert into servers (organization_id, name, hostname, group_id) values (${home}, 'in-group', 'in-group', ${group!.id})`;
  };
  const inGroup: Place = { kind: "group", id: group!.id };
  const password = "three plain words here";
  const passwordHash = await hashPassword(password);
  const origin = web.ctx.config.publicUrl?.origin ?? web.origin;
  let addresses = 0;
  /** An address of its own each, so that what one did wrong does not slow the others. */
  const from = () => {
    addresses += 1;
    return { "x-forwarded-for": `10.${(addresses >> 16) & 255}.${(addresses >> 8) & 255}.${addresses & 255}` };
  };

  const grant = (kind: string, id: string, role: Role, organization: string, place: Place) =>
    sql`insert into grants (organization_id, principal_kind, principal_id, role, scope_kind, scope_id)
        values (${organization}, ${kind}, ${id}, ${role}, ${place.kind}, ${place.id})`;
  const token = async (
    role: Role,
    organization = home,
    place: Place = { kind: "organization", id: organization },
    serviceAccountId: string | null = null,
  ) => {
    const secret = newTokenSecret();
    const id = randomUUID();
    await sql`insert into api_tokens (id, organization_id, name, prefix, sha256, service_account_id)
              values (${id}, ${organization}, ${`fuzz ${role}`}, 'devflow_api_', ${tokenHash(secret)}, ${serviceAccountId})`;
    await grant("token", id, role, organization, place);
    return { id, headers: { authorization: `Bearer ${secret}`, ...from() } };
  };
  const person = async (
    role: Role,
    organization = home,
    place: Place = { kind: "organization", id: organization },
    administrator = false,
  ) => {
    const id = randomUUID();
    const email = `${id}@example.com`;
    await sql`insert into users (id, name, email, email_verified, installation_administrator) values (${id}, 'Fuzz', ${email}, true, ${administrator})`;
    await sql`insert into accounts (id, account_id, provider_id, user_id, password) values (${randomUUID()}, ${id}, 'credential', ${id}, ${passwordHash})`;
    await sql`insert into memberships (organization_id, user_id) values (${organization}, ${id})`;
    await grant("user", id, role, organization, place);
    const headers = from();
    const answer = await web.ask("/api/v1/session", { method: "POST", headers, json: { email, password } });
    if (answer.status !== 200) throw new Error(`${role}: could not sign in: ${answer.status} ${JSON.stringify(answer.body)}`);
    await sql`update sessions set confirmed_at = now() where user_id = ${id}`;
    const cookie = answer.headers.getSetCookie().map((value) => value.split(";", 1)[0]);
    return { email, headers: { cookie: cookie.join("; "), origin, ...headers } };
  };
  const service = async () => {
    const [row] = await sql<
      { id: string }[]
    >`insert into service_accounts (organization_id, name) values (${home}, ${randomUUID()}) returning id`;
    await grant("service", row!.id, "edit", home, { kind: "organization", id: home });
    return token("edit", home, undefined, row!.id);
  };
  const removed = async () => {
    const made = await person("owner");
    const [row] = await sql<{ id: string }[]>`select user_id as id from memberships order by created_at desc limit 1`;
    await sql`delete from grants where principal_id = ${row!.id}`;
    await sql`delete from memberships where user_id = ${row!.id}`;
    web.ctx.bus.emit("principal.revoked", { kind: "user", id: row!.id });
    return made;
  };
  const ended = async (change: (id: string) => Promise<unknown>) => {
    const made = await token("owner");
    await change(made.id);
    return made;
  };

  const part = (name: string, weight: number, make: () => Promise<Made>, known = true): Part => ({
    name,
    weight,
    make: async () => ({ name, password, known, email: null, ...(await make()) }),
  });
  const parts = [
    part("session of the installation's administrator", 4, () => person("owner", home, undefined, true)),
    part("session of an owner", 4, () => person("owner")),
    ...roles.map((role) => part(`token of ${role}`, role === "owner" ? 3 : 1, () => token(role))),
    part("session of view", 1, () => person("view")),
    part("session of admin in a group", 1, () => person("admin", home, inGroup)),
    part("session of a person who was removed", 1, removed, false),
    part("session of a foreign owner", 1, () => person("owner", foreign)),
    part("token of a foreign owner", 1, () => token("owner", foreign)),
    part("token of admin in a group", 1, () => token("admin", home, inGroup)),
    part("token of a service account", 1, service),
    part("nobody", 1, async () => ({ headers: from() }), false),
    part("wrong token", 1, async () => ({ headers: { authorization: "Bearer devflow_api_wrong", ...from() } }), false),
    part(
      "expired token",
      1,
      () => ended((id) => sql`update api_tokens set expires_at = now() - interval '1 second' where id = ${id}`),
      false,
    ),
    part("revoked token", 1, () => ended((id) => sql`update api_tokens set revoked_at = now() where id = ${id}`), false),
  ];
  return { parts, restore };
}
