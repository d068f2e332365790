import { createdEnrolmentToken, createEnrolmentToken, enrolmentTokenPage, id, pageQuery } from "@devflow/api";
import { z } from "zod";
import type { Context } from "../../platform/context.ts";
import { type Api, defineRoute } from "../../platform/http/index.ts";
import { installFiles } from "./install/files.ts";
import { createToken } from "./create-token.ts";
import { listTokens } from "./list-tokens.ts";
import { revokeToken } from "./revoke-token.ts";
import { enrolmentTokenScope } from "./token-scope.ts";

const path = "/api/v1/enrolment-tokens";
const tag = "enrolment";

/** Routes of enrolment tokens; for administrators, since a token lets a machine in. */
export function enrolmentRoutes(api: Api, ctx: Context): void {
  const list = defineRoute({
    method: "get",
    path,
    permission: "servers.enrol",
    scope: "somewhere",
    tag,
    summary: "Enrolment tokens, newest first",
    query: pageQuery,
    response: enrolmentTokenPage,
  });
  const create = defineRoute({
    method: "post",
    path,
    permission: "servers.enrol",
    scope: "somewhere",
    tag,
    summary: "Make an enrolment token and the line to paste on a server",
    body: createEnrolmentToken,
    status: 201,
    response: createdEnrolmentToken,
  });
  const revoke = defineRoute({
    method: "delete",
    path: `${path}/{id}`,
    permission: "servers.enrol",
    tag,
    summary: "Revoke an enrolment token; servers that used it stay",
    params: z.object({ id }),
    scope: "enrolment-token",
    status: 204,
    response: null,
  });
  const files = installFiles(ctx);
  api.openFiles(["/install.sh", "/ca.pem", "/agent/*"], (request) => files.fetch(request));
  api.scope("enrolment-token", (tokenId) => enrolmentTokenScope(ctx, tokenId));
  api.route(list, ({ principal, query }) => listTokens({ ctx, principal, input: query }));
  api.route(create, ({ principal, body, headers }) =>
    createToken({ ctx, principal, input: { ...body, requestHost: headers.get("host") } }),
  );
  api.route(revoke, async ({ principal, params }) => await revokeToken({ ctx, principal, input: { tokenId: params.id } }));
}
