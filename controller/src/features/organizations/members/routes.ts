import { memberListQuery, memberPage, setGrants as setGrantsBody, userId } from "@devflow/api";
import { z } from "zod";
import type { Context } from "../../../platform/context.ts";
import { type Api, defineRoute } from "../../../platform/http/index.ts";
import { setGrants } from "../grants/set-grants.ts";
import { listMembers } from "./list-members.ts";
import { memberScope } from "./member-scope.ts";
import { removeMember } from "./remove-member.ts";

const path = "/api/v1/members";
const one = {
  tag: "organizations",
  params: z.object({ id: userId }),
  scope: "member",
  permission: "members.manage",
  status: 204,
  response: null,
} as const;

/** Routes of members. A user may belong to several organisations: {id} is looked for in the caller's. */
export function memberRoutes(api: Api, ctx: Context): void {
  const list = defineRoute({
    method: "get",
    path,
    permission: "members.read",
    tag: "organizations",
    summary: "Members with their roles and teams, by e-mail address",
    query: memberListQuery,
    response: memberPage,
  });
  const put = defineRoute({
    ...one,
    method: "put",
    path: `${path}/{id}/grants`,
    summary: "Set all roles that a member holds themselves",
    stepUp: true,
    body: setGrantsBody,
  });
  const remove = defineRoute({
    ...one,
    method: "delete",
    path: `${path}/{id}`,
    summary: "Remove a member: roles, teams, tokens and open connections end at once",
    stepUp: true,
  });
  api.scope("member", (id, organizationId) => memberScope(ctx, id, organizationId));
  api.route(list, ({ principal, query }) => listMembers({ ctx, principal, input: query }));
  api.route(put, ({ principal, params, body }) =>
    setGrants({ ctx, principal, input: { kind: "user", id: params.id, grants: body.grants } }),
  );
  api.route(remove, ({ principal, params }) => removeMember({ ctx, principal, input: { userId: params.id } }));
}
