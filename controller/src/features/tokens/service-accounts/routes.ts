import { createServiceAccount, id, pageQuery, serviceAccount, serviceAccountPage, updateServiceAccount } from "@devflow/api";
import { z } from "zod";
import type { Context } from "../../../platform/context.ts";
import { type Api, defineRoute } from "../../../platform/http/index.ts";
import { createAccount, deleteAccount, updateAccount } from "./change-accounts.ts";
import { accountScope, getAccount, listAccounts } from "./read-accounts.ts";

const path = "/api/v1/service-accounts";
const all = { path, tag: "tokens", permission: "tokens.manage" } as const;
const one = { ...all, path: `${path}/{id}`, params: z.object({ id }), scope: "service-account" } as const;

/** Routes of service accounts. */
export function serviceAccountRoutes(api: Api, ctx: Context): void {
  const list = defineRoute({ ...all, method: "get", summary: "Service accounts by name", query: pageQuery, response: serviceAccountPage });
  const create = defineRoute({
    ...all,
    method: "post",
    summary: "Make a service account: an account of programs with own roles and tokens",
    stepUp: true,
    body: createServiceAccount,
    status: 201,
    response: serviceAccount,
  });
  const get = defineRoute({ ...one, method: "get", summary: "One service account", response: serviceAccount });
  const update = defineRoute({
    ...one,
    method: "patch",
    summary: "Rename, describe, disable or enable a service account, or give it other roles",
    stepUp: true,
    body: updateServiceAccount,
    response: serviceAccount,
  });
  const remove = defineRoute({
    ...one,
    method: "delete",
    summary: "Delete a service account with its tokens",
    stepUp: true,
    status: 204,
    response: null,
  });
  api.scope("service-account", (accountId) => accountScope(ctx, accountId));
  api.route(list, ({ principal, query }) => listAccounts({ ctx, principal, input: query }));
  api.route(create, async ({ principal, body }) => {
    const accountId = await createAccount({ ctx, principal, input: body });
    return getAccount({ ctx, principal, input: { accountId } });
  });
  api.route(get, ({ principal, params }) => getAccount({ ctx, principal, input: { accountId: params.id } }));
  api.route(update, async ({ principal, params, body }) => {
    await updateAccount({ ctx, principal, input: { ...body, accountId: params.id } });
    return getAccount({ ctx, principal, input: { accountId: params.id } });
  });
  api.route(remove, async ({ principal, params }) => await deleteAccount({ ctx, principal, input: { accountId: params.id } }));
}
