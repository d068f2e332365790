import {
  changePasswordRequest,
  firstSteps,
  me,
  passkeyAnswer,
  passkeyOptions,
  putFirstSteps as putFirstStepsBody,
  revokedSessions,
  secondFactor,
  sessionState,
  setupRequest,
  setupState,
  signInRequest,
  signInResult,
  updateMe as updateMeBody,
  userSessionPage,
} from "@devflow/api";
import { z } from "zod";
import type { Context } from "../../platform/context.ts";
import { type Api, defineRoute, Reply } from "../../platform/http/index.ts";
import { changePassword } from "./change-password.ts";
import { completeSetup } from "./complete-setup.ts";
import { putFirstSteps, readFirstSteps } from "./first-steps.ts";
import { readMe } from "./read-me.ts";
import { setupNeeded } from "./setup-code.ts";
import { finishSignIn, signIn } from "./begin-sign-in.ts";
import { callerOf, setCookies } from "./caller-of.ts";
import { passkeyRequest } from "./passkeys/check-passkey.ts";
import { signInByPasskey } from "./passkeys/sign-in-by-passkey.ts";
import { listSessions, revokeOtherSessions, revokeSession } from "./sessions/manage-sessions.ts";
import type { Session } from "./sign-in.ts";
import { updateMe } from "./update-me.ts";

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
  summary: "Sign in: sets the session cookie, or asks for the second factor",
  body: signInRequest,
  response: signInResult,
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

const postFactor = defineRoute({
  method: "post",
  path: "/api/v1/session/factor",
  permission: "public",
  tag: "users",
  summary: "Sign in, second step: a code of the authenticator or a recovery code",
  body: secondFactor,
  response: me,
  idempotent: false,
});
const postPasskeySession = defineRoute({
  method: "post",
  path: "/api/v1/session/passkey",
  permission: "public",
  tag: "users",
  summary: "Sign in by a passkey, without a password",
  body: passkeyAnswer,
  response: me,
  idempotent: false,
});
const postPasskeySessionOptions = defineRoute({
  method: "post",
  path: "/api/v1/session/passkey/options",
  permission: "public",
  tag: "users",
  summary: "What a passkey is to sign to sign in",
  response: passkeyOptions,
  idempotent: false,
});
const patchMe = defineRoute({
  method: "patch",
  path: "/api/v1/me",
  permission: "authenticated",
  tag: "users",
  summary: "Change one's name",
  body: updateMeBody,
  response: me,
});
const getSessions = defineRoute({
  method: "get",
  path: "/api/v1/me/sessions",
  permission: "authenticated",
  tag: "users",
  summary: "One's sessions, the last used first",
  response: userSessionPage,
});
const deleteSessionById = defineRoute({
  method: "delete",
  path: "/api/v1/me/sessions/{id}",
  permission: "authenticated",
  tag: "users",
  summary: "End one of one's sessions, with its live connections",
  params: z.object({ id: z.string().max(100) }),
  scope: "own",
  status: 204,
  response: null,
});
const postRevokeOthers = defineRoute({
  method: "post",
  path: "/api/v1/me/sessions/revoke-others",
  permission: "authenticated",
  tag: "users",
  summary: "End all of one's sessions but this one",
  response: revokedSessions,
});
const getFirstSteps = defineRoute({
  method: "get",
  path: "/api/v1/me/first-steps",
  permission: "authenticated",
  tag: "users",
  summary: "How far one is with the first steps on a new installation",
  response: firstSteps,
});
const changeFirstSteps = defineRoute({
  method: "put",
  path: "/api/v1/me/first-steps",
  permission: "authenticated",
  tag: "users",
  summary: "Put the first steps away, or bring them back",
  body: putFirstStepsBody,
  status: 204,
  response: null,
});

/** Routes of users: who am I, signing in and out, the first administrator, one's sessions. */
export function userRoutes(api: Api, ctx: Context): void {
  const { auth } = api;
  const signedIn = async ({ cookies, identity }: Session) => new Reply(await readMe({ ctx, input: { identity } }), setCookies(cookies));
  const fromOf = (request: { address: string | null; headers: Headers; requestId: string }) => ({
    caller: callerOf(request),
    requestId: request.requestId,
  });

  api.route(getMe, ({ identity }) => readMe({ ctx, input: { identity: identity! } }));
  api.route(patchMe, async ({ principal, identity, body }) => {
    await updateMe({ ctx, principal, input: body });
    return readMe({ ctx, input: { identity: identity! } });
  });
  api.route(getSession, async ({ identity }) => ({ me: identity === null ? null : await readMe({ ctx, input: { identity } }) }));
  api.route(postSession, async (request) => {
    const result = await signIn({ ctx, auth, input: { ...request.body, ...fromOf(request) } });
    if ("challenge" in result) return { kind: "challenge" as const, challenge: result.challenge };
    return signedIn(result);
  });
  api.route(postFactor, async (request) => signedIn(await finishSignIn({ ctx, auth, input: { ...request.body, ...fromOf(request) } })));
  api.route(postPasskeySessionOptions, ({ headers }) => passkeyRequest(ctx, headers, "sign-in"));
  api.route(postPasskeySession, async (request) => {
    const { headers, body } = request;
    return signedIn(await signInByPasskey({ ctx, auth, input: { headers, response: body.response, ...fromOf(request) } }));
  });
  api.route(deleteSession, async ({ identity, headers }) => new Reply(undefined, setCookies(await auth.signOut(headers, identity!))));
  api.route(getSessions, ({ principal, identity }) => listSessions({ ctx, principal, identity: identity! }));
  api.route(deleteSessionById, ({ principal, params: { id } }) => revokeSession({ ctx, principal, input: { id } }));
  api.route(postRevokeOthers, ({ principal, identity }) => revokeOtherSessions({ ctx, principal, identity: identity! }));
  api.route(getFirstSteps, ({ principal }) => readFirstSteps({ ctx, principal }));
  api.route(changeFirstSteps, ({ principal, body }) => putFirstSteps({ ctx, principal, input: body }));
  api.route(postPassword, async (request) => {
    const { principal, identity, body } = request;
    const cookies = await changePassword({ ctx, auth, principal, input: { ...body, identity: identity!, caller: callerOf(request) } });
    return new Reply(undefined, setCookies(cookies));
  });
  api.route(getSetup, async () => ({ needed: await setupNeeded(ctx) }));
  api.route(postSetup, async (request) => {
    const { body } = request;
    await completeSetup({ ctx, auth, input: { ...body, ...fromOf(request) } });
    const result = await signIn({ ctx, auth, input: { ...body, ...fromOf(request) } });
    if ("challenge" in result) throw new Error("somebody who was made just now has no second factor");
    return signedIn(result);
  });
}
