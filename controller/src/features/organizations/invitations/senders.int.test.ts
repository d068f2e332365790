import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testMailServer, type TestMailServer } from "../../../testing/mail-server.ts";
import type { TestWeb } from "../../../testing/web.ts";
import { newTokenSecret, tokenHash } from "../../tokens/secret.ts";
import { everywhere, give, inOwnOrganization, type Person, person } from "../people.testkit.ts";

describe("those who send invitations", () => {
  let web: TestWeb;
  let mail: TestMailServer;
  let org: string;
  let owner: Person;
  inOwnOrganization((made) => ({ web, org, owner } = made));
  beforeAll(async () => {
    mail = await testMailServer();
  });
  afterAll(() => mail.close());

  /** A token of a service account (its id too), or of nobody. */
  const programToken = async (ofService: boolean) => {
    const [service] = await web.ctx.sql<{ id: string }[]>`
      insert into service_accounts (organization_id, name) values (${org}, ${randomUUID()}) returning id`;
    const [id, secret] = [randomUUID(), newTokenSecret()];
    await web.ctx.sql`insert into api_tokens (id, organization_id, name, prefix, sha256, service_account_id)
      values (${id}, ${org}, 't', 'devflow_api_', ${tokenHash(secret)}, ${ofService ? service!.id : null})`;
    await give(web, org, "token", id, { role: "admin" });
    await give(web, org, "service", service!.id, { role: "admin" });
    return { id, service: service!.id, secret };
  };
  const link = async (token: string) => {
    const answer = await web.ask("/api/v1/invitations", { method: "POST", token, json: { email: null, grants: [everywhere("admin")] } });
    return (answer.body.link as string).split("#")[1]!;
  };
  const register = (code: string) =>
    web.ask("/api/v1/invitations/register", {
      method: "POST",
      json: { code, email: `${randomUUID()}@example.com`, name: "New", password: "an evening by the sea" },
    });

  it("give nothing any more when the service account was disabled or the token is over", async () => {
    const service = await programToken(true);
    const codes = [await link(service.secret), await link(service.secret)];
    expect((await register(codes[0]!)).status).toBe(204);
    await web.ctx.sql`update service_accounts set disabled_at = now() where id = ${service.service}`;
    expect((await register(codes[1]!)).status).toBe(409);
    const token = await programToken(false);
    const more = [await link(token.secret), await link(token.secret)];
    expect((await register(more[0]!)).status).toBe(204);
    await web.ctx.sql`update api_tokens set expires_at = now() where id = ${token.id}`;
    expect((await register(more[1]!)).status).toBe(409);
  });

  it("fill nobody's mailbox", async () => {
    const settings = {
      host: "127.0.0.1",
      port: mail.port,
      encryption: "none",
      user: null,
      from: "d@example.com",
      certificateAuthority: null,
    };
    const set = await web.ask("/api/v1/settings/mail", { method: "PUT", cookie: await web.signIn(), json: settings });
    expect(set.status).toBe(200);
    const made = await owner.ask("/api/v1/invitations", { method: "POST", json: { email: "a@example.com", grants: [everywhere("view")] } });
    expect([made.status, made.body.mailed]).toEqual([201, true]);
    const again = () => owner.ask(`/api/v1/invitations/${made.body.invitation.id}/send`, { method: "POST" });
    for (let i = 0; i < 4; i++) expect((await again()).status).toBe(200);
    expect((await again()).status).toBe(429);
    // Neither from another organisation, nor by taking it back and beginning anew.
    expect((await owner.ask(`/api/v1/invitations/${made.body.invitation.id}`, { method: "DELETE" })).status).toBe(204);
    const other = await person(web, { [await web.organization()]: [{ role: "owner" }] });
    for (const who of [owner, other]) {
      const json = { email: "A@example.com", grants: [everywhere("view")] };
      expect((await who.ask("/api/v1/invitations", { method: "POST", json })).status).toBe(429);
    }
    const [waiting] = await web.ctx.sql<{ n: number }[]>`select count(*)::int as n from mails`;
    expect(waiting!.n + mail.arrived.length).toBe(5);
  });
});
