import type { SavedView } from "@devflow/api";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newTokenSecret, tokenHash } from "../../tokens/secret.ts";
import { testWeb, type TestWeb } from "../../../testing/web.ts";

describe("saved views", () => {
  let web: TestWeb;
  let anna: string;
  let ben: string;
  let editor: string;
  /** A member with a role and a token of theirs that may do as much. */
  const person = async (role: string) => {
    const { sql, installation } = web.ctx;
    const organizationId = installation.defaultOrganizationId;
    const [user] = await sql<
      { id: string }[]
    >`insert into users (id, name, email) values (gen_random_uuid()::text, 'p', gen_random_uuid() || '@example.com') returning id`;
    const secret = newTokenSecret();
    await sql`insert into memberships (organization_id, user_id) values (${organizationId}, ${user!.id})`;
    const [token] = await sql<{ id: string }[]>`insert into api_tokens (organization_id, name, prefix, sha256, created_by)
      values (${organizationId}, 'p', 'devflow_api_', ${tokenHash(secret)}, ${user!.id}) returning id`;
    for (const [kind, id] of [
      ["user", user!.id],
      ["token", token!.id],
    ])
      await sql`insert into grants (organization_id, principal_kind, principal_id, role, scope_kind, scope_id)
        values (${organizationId}, ${kind!}, ${id!}, ${role}, 'organization', ${organizationId})`;
    return secret;
  };
  beforeAll(async () => {
    web = await testWeb();
    [anna, ben, editor] = [await person("view"), await person("view"), await person("edit")];
  });
  afterAll(() => web.close());

  const list = async (token: string) => (await web.ask("/api/v1/views", { token })).body.items as SavedView[];
  const make = (token: string, json: unknown) => web.ask("/api/v1/views", { method: "POST", token, json });
  const patch = (token: string, id: string, json: unknown) => web.ask(`/api/v1/views/${id}`, { method: "PATCH", token, json });
  const setDefault = (token: string, viewId: string | null) =>
    web.ask("/api/v1/me/default-view", { method: "PUT", token, json: { viewId } });

  it("are one's own until they are shared, by name, one of them the default", async () => {
    const busy = await make(anna, { name: "busy", query: { q: "cpu>80", sort: "-cpu" } });
    expect([busy.status, busy.body]).toMatchObject([
      201,
      { query: { q: "cpu>80", sort: "-cpu" }, mine: true, shared: false, isDefault: false },
    ]);
    await make(anna, { name: "Away", query: { q: "state:offline" } });
    expect((await make(anna, { name: "busy", query: {} })).status).toBe(409);
    expect((await make(ben, { name: "busy", query: {} })).status).toBe(201);
    for (const bad of [
      { name: "", query: {} },
      { name: "x" },
      { name: "x", query: { other: "1" } },
      { name: "x", query: { q: "x".repeat(501) } },
    ])
      expect([bad, (await make(anna, bad)).status]).toEqual([bad, 422]);
    expect((await list(anna)).map(({ name }) => name)).toEqual(["Away", "busy"]);
    expect((await setDefault(anna, busy.body.id)).status).toBe(204);
    expect((await list(anna)).filter(({ isDefault }) => isDefault).map(({ name }) => name)).toEqual(["busy"]);
    expect((await setDefault(ben, busy.body.id)).status).toBe(422);
    expect((await patch(ben, busy.body.id, { name: "mine now" })).status).toBe(404);
    expect((await web.ask(`/api/v1/views/${busy.body.id}`, { method: "DELETE", token: await web.token("owner") })).status).toBe(404);
  });

  it("are shared by who may, seen by all, changed by their maker and by who may share", async () => {
    expect((await make(anna, { name: "for all", query: {}, shared: true })).status).toBe(403);
    const shared = await make(editor, { name: "for all", query: { by: "group" }, shared: true });
    const { id } = shared.body as SavedView;
    expect((await list(anna)).find((view) => view.id === id)).toMatchObject({ mine: false, mayChange: false, shared: true });
    expect((await patch(anna, id, { name: "x" })).status).toBe(403);
    expect((await setDefault(anna, id)).status).toBe(204);
    const other = await person("edit");
    expect((await patch(other, id, { shared: false })).status).toBe(403);
    expect((await patch(other, id, { query: { by: "tag" } })).body).toMatchObject({ query: { by: "tag" }, mine: false });
    // Taken back: nobody else begins with it any more.
    expect((await patch(editor, id, { shared: false })).status).toBe(200);
    expect((await list(anna)).some(({ isDefault }) => isDefault)).toBe(false);
    expect((await web.ask(`/api/v1/views/${id}`, { method: "DELETE", token: editor })).status).toBe(204);
    // A token of nobody has none, and sees what is shared.
    expect((await make(await web.token("owner"), { name: "x", query: {} })).status).toBe(403);
    expect(await list(await web.token("owner"))).toEqual([]);
  });
});
