import { apiTokenListQuery, apiTokenPage, createApiToken, createdApiToken, id } from "@devflow/api";
import { z } from "zod";
import type { Context } from "../../platform/context.ts";
import { type Api, defineRoute } from "../../platform/http/index.ts";
import { createToken } from "./create-token.ts";
import { listTokens } from "./list-tokens.ts";
import { revokeToken } from "./revoke-token.ts";
import { tokenScope } from "./token-scope.ts";

const path = "/api/v1/tokens";
const tag = "tokens";

/** Routes of API tokens. Everybody has own ones; their verbs look at whose a token is and who may manage all. */
export function tokenRoutes(api: Api, ctx: Context): void {
  const list = defineRoute({
    method: "get",
    path,
    permission: "authenticated",
    tag,
    summary: "API tokens, newest first: everybody's with the permission tokens.manage, otherwise your own",
    query: apiTokenListQuery,
    response: apiTokenPage,
  });
  const create = defineRoute({
    method: "post",
    path,
    permission: "authenticated",
    tag,
    summary: "Make an API token of your own, or with tokens.manage one of a service account",
    stepUp: true,
    body: createApiToken,
    status: 201,
    response: createdApiToken,
  });
  const revoke = defineRoute({
    method: "delete",
    path: `${path}/{id}`,
    permission: "authenticated",
    tag,
    summary: "Revoke an API token of your own, or with tokens.manage anybody's",
    params: z.object({ id }),
    scope: "token",
    status: 204,
    response: null,
  });
  api.scope("token", (tokenId) => tokenScope(ctx, tokenId));
  api.route(list, ({ principal, query }) => listTokens({ ctx, principal, input: query }));
  api.route(create, ({ principal, body }) => createToken({ ctx, principal, input: body }));
  api.route(revoke, async ({ principal, params }) => await revokeToken({ ctx, principal, input: { tokenId: params.id } }));
}
