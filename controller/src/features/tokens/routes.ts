import { apiTokenPage, createApiToken, createdApiToken, id, pageQuery } from "@devflow/api";
import { z } from "zod";
import type { Context } from "../../platform/context.ts";
import { type Api, defineRoute } from "../../platform/http/index.ts";
import { createToken } from "./create-token.ts";
import { listTokens } from "./list-tokens.ts";
import { revokeToken } from "./revoke-token.ts";
import { tokenScope } from "./token-scope.ts";

const path = "/api/v1/tokens";
const tag = "tokens";

/** Routes of API tokens; all for administrators, since a token is a way in. */
export function tokenRoutes(api: Api, ctx: Context): void {
  const list = defineRoute({
    method: "get",
    path,
    permission: "tokens.manage",
    tag,
    summary: "API tokens, newest first",
    query: pageQuery,
    response: apiTokenPage,
  });
  const create = defineRoute({
    method: "post",
    path,
    permission: "tokens.manage",
    tag,
    summary: "Make an API token",
    stepUp: true,
    body: createApiToken,
    status: 201,
    response: createdApiToken,
  });
  const revoke = defineRoute({
    method: "delete",
    path: `${path}/{id}`,
    permission: "tokens.manage",
    tag,
    summary: "Revoke an API token",
    params: z.object({ id }),
    scope: "token",
    status: 204,
    response: null,
  });
  api.scope("token", (tokenId) => tokenScope(ctx, tokenId));
  api.route(list, ({ principal, query }) => listTokens({ ctx, principal, input: query }));
  api.route(create, ({ principal, identity, body }) =>
    createToken({ ctx, principal, input: { ...body, userId: identity?.userId ?? null } }),
  );
  api.route(revoke, async ({ principal, params }) => await revokeToken({ ctx, principal, input: { tokenId: params.id } }));
}
