import {
  beginCliLogin,
  begunCliLogin,
  cliLogin,
  cliLoginQuery,
  collectCliLogin,
  collectedCliLogin,
  confirmCliLogin,
  denyCliLogin,
} from "@devflow/api";
import type { Context } from "../../platform/context.ts";
import { type Api, defineRoute } from "../../platform/http/index.ts";
import { beginLogin } from "./begin-login.ts";
import { collectLogin } from "./collect-login.ts";
import { confirmLogin, denyLogin } from "./confirm-login.ts";
import { endOwnToken } from "./end-own-token.ts";
import { cliFile } from "./files.ts";
import { findLogin } from "./find-login.ts";
import { createLoginLimits } from "./limits.ts";

const path = "/api/v1/cli-logins";
const tag = "cli";

const begin = defineRoute({
  method: "post",
  path,
  permission: "public",
  tag,
  summary: "Begin the sign-in of a program, which somebody confirms in the browser",
  body: beginCliLogin,
  status: 201,
  response: begunCliLogin,
  idempotent: false,
});
const find = defineRoute({
  method: "get",
  path,
  permission: "authenticated",
  tag,
  summary: "The program that waits under a code, for whoever is to confirm it",
  query: cliLoginQuery,
  response: cliLogin,
});
const confirm = defineRoute({
  method: "post",
  path: `${path}/confirm`,
  permission: "authenticated",
  tag,
  summary: "Let the program that waits under a code have a token of yours",
  // A way in that outlives the session: as dangerous as making a token.
  stepUp: true,
  body: confirmCliLogin,
  status: 204,
  response: null,
});
const deny = defineRoute({
  method: "post",
  path: `${path}/deny`,
  permission: "authenticated",
  tag,
  summary: "Turn the program that waits under a code away",
  body: denyCliLogin,
  status: 204,
  response: null,
});
const collect = defineRoute({
  method: "post",
  path: `${path}/collect`,
  permission: "public",
  tag,
  summary: "The token of a confirmed sign-in, once",
  body: collectCliLogin,
  response: collectedCliLogin,
  idempotent: false,
});
const signOut = defineRoute({
  method: "delete",
  path: "/api/v1/me/token",
  permission: "authenticated",
  tag,
  summary: "End the API token that sends this request",
  status: 204,
  response: null,
});

/** Routes of the command-line client: how it gets its token and gives it back, and the client itself. */
export function cliRoutes(api: Api, ctx: Context): void {
  const limits = createLoginLimits(ctx);
  api.openFiles(["/cli/devflow.mjs"], cliFile);
  api.route(begin, async ({ body, address }) => {
    await limits.begin(address);
    return beginLogin({ ctx, input: { ...body, address } });
  });
  api.route(find, ({ principal, query }) => findLogin({ ctx, limits, principal, input: { userCode: query.code } }));
  api.route(confirm, async ({ principal, body }) => await confirmLogin({ ctx, limits, principal, input: body }));
  api.route(deny, async ({ principal, body }) => await denyLogin({ ctx, limits, principal, input: body }));
  api.route(collect, ({ body, address, requestId }) => collectLogin({ ctx, limits, input: { ...body, address, requestId } }));
  api.route(signOut, async ({ principal }) => await endOwnToken({ ctx, principal }));
}
