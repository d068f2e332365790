import { changePasswordRequest, me, sessionState, setupRequest, setupState, signInRequest } from "@devflow/api";
import type { Context } from "../../platform/context.ts";
import { type Api, defineRoute, Reply } from "../../platform/http/index.ts";
import { changePassword } from "./change-password.ts";
import { completeSetup } from "./complete-setup.ts";
import { readMe } from "./read-me.ts";
import { setupNeeded } from "./setup-code.ts";
import { signIn } from "./sign-in.ts";

const setCookies = (cookies: readonly string[]) => cookies.map((cookie) => ["set-cookie", cookie] as const);

const getMe = defineRoute({
  method: "get",
  path: "/api/v1/me",
  permission: "authenticated",
  tag: "users",
  summary: "Who asks, and what they may do",
  response: me,
});
const getSession = defineRoute({
  method: "get",
  path: "/api/v1/session",
  permission: "public",
  tag: "users",
  summary: "Who is signed in, or null: no error for a stranger",
  response: sessionState,
});
const postSession = defineRoute({
  method: "post",
  path: "/api/v1/session",
  permission: "public",
  tag: "users",
  summary: "Sign in: sets the session cookie",
  body: signInRequest,
  response: me,
  idempotent: false,
});
const deleteSession = defineRoute({
  method: "delete",
  path: "/api/v1/session",
  permission: "authenticated",
  tag: "users",
  summary: "Sign out: ends this session and its live connections",
  status: 204,
  response: null,
});
const postPassword = defineRoute({
  method: "post",
  path: "/api/v1/me/password",
  permission: "authenticated",
  tag: "users",
  summary: "Change one's password; every other session and, unless kept, every API token of the user ends",
  body: changePasswordRequest,
  status: 204,
  response: null,
  idempotent: false,
});
const getSetup = defineRoute({
  method: "get",
  path: "/api/v1/setup",
  permission: "public",
  tag: "users",
  summary: "Whether the first administrator is still to be made",
  response: setupState,
});
const postSetup = defineRoute({
  method: "post",
  path: "/api/v1/setup",
  permission: "public",
  tag: "users",
  summary: "Make the first administrator with the code of the printed link, and sign in",
  body: setupRequest,
  status: 201,
  response: me,
  idempotent: false,
});

/** Routes of users: who am I, signing in and out, the first administrator. */
export function userRoutes(api: Api, ctx: Context): void {
  const { auth } = api;
  const callerOf = (request: { address: string | null; headers: Headers }) => ({
    address: request.address,
    userAgent: request.headers.get("user-agent"),
  });

  api.route(getMe, async ({ identity }) => readMe({ ctx, input: { identity: identity! } }));
  api.route(getSession, async ({ identity }) => ({ me: identity === null ? null : await readMe({ ctx, input: { identity } }) }));
  api.route(postSession, async (request) => {
    const { cookies, identity } = await signIn({
      ctx,
      auth,
      input: { ...request.body, caller: callerOf(request), requestId: request.requestId },
    });
    return new Reply(await readMe({ ctx, input: { identity } }), setCookies(cookies));
  });
  api.route(deleteSession, async ({ identity, headers }) => new Reply(undefined, setCookies(await auth.signOut(headers, identity!))));
  api.route(postPassword, async (request) => {
    const { principal, identity, headers, body } = request;
    const cookies = await changePassword({
      ctx,
      auth,
      principal,
      input: { ...body, identity: identity!, headers, caller: callerOf(request) },
    });
    return new Reply(undefined, setCookies(cookies));
  });
  api.route(getSetup, async () => ({ needed: await setupNeeded(ctx) }));
  api.route(postSetup, async (request) => {
    const { body, requestId } = request;
    const caller = callerOf(request);
    await completeSetup({ ctx, auth, input: { ...body, caller, requestId } });
    const { cookies, identity } = await signIn({ ctx, auth, input: { ...body, caller, requestId } });
    return new Reply(await readMe({ ctx, input: { identity } }), setCookies(cookies));
  });
}
