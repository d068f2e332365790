import { randomUUID } from "node:crypto";
import { type Permission, permissions, permissionTable } from "@devflow/api";
import { newTokenSecret, tokenHash } from "../features/tokens/secret.ts";
import { beginSession } from "../features/users/index.ts";
import { hashPassword } from "../platform/auth/password.ts";
import type { TestWeb } from "./web.ts";

/** Those who ask in the table of routes, in the order of its columns. */
export const players = [
  "none",
  "view",
  "deploy",
  "edit",
  "admin",
  "owner",
  "stale",
  "only",
  "but",
  "foreign",
  "inside",
  "outside",
  "narrow",
  "bound",
  "install",
] as const;
export type Player = (typeof players)[number];

export interface Caller {
  readonly headers: Readonly<Record<string, string>>;
  /** Null: nobody, or a program. */
  readonly userId: string | null;
  readonly email: string | null;
  readonly sessionId: string | null;
  /** Of an API token. */
  readonly tokenId: string | null;
}

/** Everybody that a route has to tell apart, with the group that some of them are bound to. */
export interface RouteCast {
  readonly groupId: string;
  readonly foreignOrganizationId: string;
  /** An owner of the default organisation, who asks for nothing. */
  readonly ownerId: string;
  /** Somebody new of that kind. @param permission of the route; for those whose role is made from it */
  make(player: Player, permission: string): Promise<Caller>;
  /** Another address each time, so that what one did wrong does not slow the next. */
  address(): Readonly<Record<string, string>>;
}

export const castPassword = "three plain words here";

/** The web must trust 127.0.0.1 as a proxy. */
export async function routeCast(web: TestWeb): Promise<RouteCast> {
  const { sql, installation } = web.ctx;
  const home = installation.defaultOrganizationId;
  const foreignOrganizationId = await web.organization();
  const [group] = await sql<
    { id: string }[]
  >`insert into server_groups (organization_id, name) values (${home}, gen_random_uuid()::text) returning id`;
  const groupId = group!.id;
  const passwordHash = await hashPassword(castPassword);
  const origin = web.ctx.config.publicUrl?.origin ?? web.origin;
  const roleIds = new Map<string, string>();
  let addresses = 0;
  const address = () => {
    addresses += 1;
    return { "x-forwarded-for": `10.${(addresses >> 16) & 255}.${(addresses >> 8) & 255}.${addresses & 255}` };
  };

  const customRole = async (name: string, list: readonly Permission[]): Promise<string> => {
    const known = roleIds.get(name);
    if (known !== undefined) return known;
    const [row] = await sql<{ id: string }[]>`
      insert into custom_roles (organization_id, name, permissions) values (${home}, ${`${name} ${groupId}`}, string_to_array(${list.join(",")}, ',')) returning id`;
    roleIds.set(name, row!.id);
    return row!.id;
  };
  interface Held {
    readonly role: string;
    readonly isCustom?: boolean;
    readonly organization?: string;
    readonly inGroup?: boolean;
  }
  const give = (kind: string, id: string, { role, isCustom = false, organization = home, inGroup = false }: Held) =>
    sql`insert into grants (organization_id, principal_kind, principal_id, role, role_id, scope_kind, scope_id)
        values (${organization}, ${kind}, ${id}, ${isCustom ? null : role}, ${isCustom ? role : null}, ${inGroup ? "group" : "organization"}, ${inGroup ? groupId : organization})`;

  const person = async (held: Held, { administrator = false, fresh = true } = {}): Promise<Caller> => {
    const userId = randomUUID();
    const email = `${userId}@example.com`;
    await sql`insert into users (id, name, email, email_verified, installation_administrator) values (${userId}, 'Somebody', ${email}, true, ${administrator})`;
    await sql`insert into accounts (id, account_id, provider_id, user_id, password) values (${randomUUID()}, ${userId}, 'credential', ${userId}, ${passwordHash})`;
    await sql`insert into memberships (organization_id, user_id) values (${held.organization ?? home}, ${userId})`;
    await give("user", userId, held);
    const caller = { address: "10.255.0.1", userAgent: null };
    const { cookies } = await beginSession({
      ctx: web.ctx,
      auth: web.api.auth,
      input: { userId, by: "password", caller, requestId: randomUUID() },
    });
    const [session] = await sql<{ id: string }[]>`
      update sessions set confirmed_at = ${fresh ? new Date() : null} where user_id = ${userId} returning id`;
    // Signing in has confirmed it, and that is remembered.
    web.ctx.bus.emit("principal.revoked", { kind: "session", id: session!.id });
    const cookie = cookies.map((value) => value.split(";", 1)[0]).join("; ");
    return { headers: { cookie, origin, ...address() }, userId, email, sessionId: session!.id, tokenId: null };
  };
  const token = async (held: Held, makerId: string | null): Promise<Caller> => {
    const secret = newTokenSecret();
    const tokenId = randomUUID();
    await sql`insert into api_tokens (id, organization_id, name, prefix, sha256, created_by)
              values (${tokenId}, ${home}, 'narrow', 'devflow_api_', ${tokenHash(secret)}, ${makerId})`;
    await give("token", tokenId, held);
    return { headers: { authorization: `Bearer ${secret}`, ...address() }, userId: null, email: null, sessionId: null, tokenId };
  };
  const isKnown = (name: string): name is Permission => Object.hasOwn(permissionTable, name);

  return {
    groupId,
    foreignOrganizationId,
    ownerId: (await person({ role: "owner" })).userId!,
    address,
    async make(player, permission) {
      switch (player) {
        case "none":
          return { headers: address(), userId: null, email: null, sessionId: null, tokenId: null };
        case "stale":
          return person({ role: "owner" }, { fresh: false, administrator: true });
        case "only": {
          const name: Permission = isKnown(permission) ? permission : "metrics.scrape";
          return person({ role: await customRole(`only ${name}`, [name]), isCustom: true });
        }
        case "but":
          return person({
            role: await customRole(
              `all but ${permission}`,
              permissions.filter((name) => name !== permission),
            ),
            isCustom: true,
          });
        case "foreign":
          return person({ role: "owner", organization: foreignOrganizationId });
        case "inside":
        case "outside":
          return person({ role: "admin", inGroup: true });
        case "narrow":
          return token({ role: "view", inGroup: true }, (await person({ role: "owner" })).userId);
        case "bound":
          return token({ role: "owner" }, (await person({ role: "view" })).userId);
        case "install":
          return person({ role: "view" }, { administrator: true });
        default:
          return person({ role: player });
      }
    },
  };
}
