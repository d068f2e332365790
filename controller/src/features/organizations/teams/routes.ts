import {
  addTeamMember as addBody,
  createTeam as createBody,
  id,
  setGrants as setGrantsBody,
  teamDetails,
  teamList,
  updateTeam as updateBody,
  userId,
} from "@devflow/api";
import { z } from "zod";
import type { Context } from "../../../platform/context.ts";
import { type Api, defineRoute } from "../../../platform/http/index.ts";
import { setGrants } from "../grants/set-grants.ts";
import { addTeamMember, removeTeamMember } from "./change-members.ts";
import { createTeam, deleteTeam, updateTeam } from "./change-team.ts";
import { getTeam, listTeams } from "./list-teams.ts";
import { teamScope } from "./team-scope.ts";

const path = "/api/v1/teams";
const one = { tag: "organizations", params: z.object({ id }), scope: "team" } as const;
const change = { ...one, permission: "teams.manage", status: 204, response: null } as const;

/** Routes of teams. Whoever has teams.manage over a team's things leads it: its name and its people, not its roles. */
export function teamRoutes(api: Api, ctx: Context): void {
  const list = defineRoute({
    method: "get",
    path,
    permission: "members.read",
    scope: "somewhere",
    tag: "organizations",
    summary: "Teams by name",
    response: teamList,
  });
  const create = defineRoute({
    method: "post",
    path,
    permission: "teams.manage",
    tag: "organizations",
    summary: "Make a team",
    body: createBody,
    status: 201,
    response: z.object({ id }),
  });
  const get = defineRoute({
    ...one,
    method: "get",
    path: `${path}/{id}`,
    permission: "members.read",
    summary: "A team with its people and roles",
    response: teamDetails,
  });
  const update = defineRoute({ ...change, method: "patch", path: `${path}/{id}`, summary: "Rename or describe a team", body: updateBody });
  const remove = defineRoute({
    ...change,
    method: "delete",
    path: `${path}/{id}`,
    summary: "Delete a team and the roles that it gave",
    stepUp: true,
  });
  const add = defineRoute({
    ...change,
    method: "post",
    path: `${path}/{id}/members`,
    summary: "Put a member into a team",
    stepUp: true,
    body: addBody,
  });
  const take = defineRoute({
    ...change,
    method: "delete",
    path: `${path}/{id}/members`,
    summary: "Take somebody out of a team",
    stepUp: true,
    query: z.object({ userId }),
  });
  const put = defineRoute({
    ...one,
    method: "put",
    path: `${path}/{id}/grants`,
    permission: "members.manage",
    summary: "Set all roles of a team",
    stepUp: true,
    body: setGrantsBody,
    status: 204,
    response: null,
  });
  api.scope("team", (teamId) => teamScope(ctx, teamId));
  api.route(list, async ({ principal }) => ({ items: await listTeams({ ctx, principal }) }));
  api.route(create, async ({ principal, body }) => ({ id: await createTeam({ ctx, principal, input: body }) }));
  api.route(get, ({ principal, params }) => getTeam({ ctx, principal, input: { teamId: params.id } }));
  api.route(update, ({ principal, params, body }) => updateTeam({ ctx, principal, input: { ...body, teamId: params.id } }));
  api.route(remove, ({ principal, params }) => deleteTeam({ ctx, principal, input: { teamId: params.id } }));
  api.route(add, ({ principal, params, body }) => addTeamMember({ ctx, principal, input: { teamId: params.id, who: body } }));
  api.route(take, ({ principal, params, query }) =>
    removeTeamMember({ ctx, principal, input: { teamId: params.id, userId: query.userId } }),
  );
  api.route(put, ({ principal, params, body }) =>
    setGrants({ ctx, principal, input: { kind: "team", id: params.id, grants: body.grants } }),
  );
}
