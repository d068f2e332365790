import {
  installationUser,
  installationUserListQuery,
  installationUserPage,
  signedOutUser,
  signOutUser as signOutBody,
  updateInstallationUser,
} from "@devflow/api";
import { z } from "zod";
import type { Context } from "../../../platform/context.ts";
import { type Api, defineRoute } from "../../../platform/http/index.ts";
import { changeUser } from "./change-user.ts";
import { listUsers } from "./list-users.ts";
import { removeUser } from "./remove-user.ts";
import { signOutUser } from "./sign-out-user.ts";

const path = "/api/v1/users";
/** Without a scope: a user is no organisation's, and whoever may not is told so whether or not there is one. */
const common = { permission: "installation.manage", tag: "users" } as const;
const one = { ...common, params: z.object({ id: z.string().max(100) }) } as const;

const list = defineRoute({
  ...common,
  method: "get",
  path,
  summary: "Users of the whole installation",
  query: installationUserListQuery,
  response: installationUserPage,
});
const patch = defineRoute({
  ...one,
  method: "patch",
  path: `${path}/{id}`,
  summary: "Disable or enable a user, make them an administrator of the installation or take that away",
  stepUp: true,
  body: updateInstallationUser,
  response: installationUser,
});
const signOut = defineRoute({
  ...one,
  method: "post",
  path: `${path}/{id}/sign-out`,
  summary: "End all sessions of a user, and their API tokens if asked to",
  body: signOutBody,
  response: signedOutUser,
});
const remove = defineRoute({
  ...one,
  method: "delete",
  path: `${path}/{id}`,
  summary: "Remove a user from the installation, with all that is theirs",
  stepUp: true,
  status: 204,
  response: null,
});

/** Routes of the installation's users, for its administrators. */
export function administrationRoutes(api: Api, ctx: Context): void {
  api.route(list, ({ principal, query }) => listUsers({ ctx, principal, input: query }));
  api.route(patch, ({ principal, params, body }) => changeUser({ ctx, principal, input: { userId: params.id, ...body } }));
  api.route(signOut, ({ principal, params, body }) => signOutUser({ ctx, principal, input: { userId: params.id, ...body } }));
  api.route(remove, ({ principal, params }) => removeUser({ ctx, principal, input: { userId: params.id } }));
}
