import {
  beginOidc,
  changeEmail as changeEmailBody,
  completeOidc,
  completePasswordReset as completeResetBody,
  emailChange,
  oidcRedirect,
  oidcResult,
  oidcSettings,
  oneTimeToken,
  requestPasswordReset as requestResetBody,
  signInOptions,
} from "@devflow/api";
import { AppError } from "@devflow/errors";
import { z } from "zod";
import type { Context } from "../../platform/context.ts";
import { type Api, defineRoute, demandConfirmed, Reply } from "../../platform/http/index.ts";
import { isMailSet } from "../../platform/mail/index.ts";
import { readSetting } from "../../platform/settings/index.ts";
import { callerOf, setCookies } from "./caller-of.ts";
import { markConfirmed } from "./confirm-session.ts";
import { changeEmail, verifyEmail } from "./email/change-email.ts";
import { createMailLimit } from "./email/requests-limit.ts";
import { completePasswordReset, requestPasswordReset } from "./email/reset-password.ts";
import { findUser } from "./oidc/find-user.ts";
import { beginFlow, endFlow, finishFlow } from "./oidc/flow.ts";
import { isLinked, linkAccount, unlinkAccount } from "./oidc/link-account.ts";
import { createProviderFinder } from "./oidc/provider.ts";
import { beginSession } from "./sign-in.ts";

const open = { permission: "public", tag: "users", idempotent: false } as const;
const mine = { permission: "authenticated", tag: "users", idempotent: false } as const;

const getOptions = defineRoute({
  ...open,
  method: "get",
  path: "/api/v1/session/options",
  summary: "What the sign-in page offers",
  response: signInOptions,
});
const postReset = defineRoute({
  ...open,
  method: "post",
  path: "/api/v1/password-resets",
  summary: "Ask for a link to set a new password; the answer is the same whether somebody has the address",
  body: requestResetBody,
  status: 202,
  response: z.object({}),
});
const postResetComplete = defineRoute({
  ...open,
  method: "post",
  path: "/api/v1/password-resets/complete",
  summary: "Set a new password by the link of a mail; all sessions and API tokens of the user end",
  body: completeResetBody,
  status: 204,
  response: null,
});
const postVerification = defineRoute({
  ...open,
  method: "post",
  path: "/api/v1/email-verifications",
  summary: "Confirm an e-mail address by the link of a mail",
  body: oneTimeToken,
  status: 204,
  response: null,
});
const postEmail = defineRoute({
  ...mine,
  method: "post",
  path: "/api/v1/me/email",
  summary: "Change one's e-mail address, or verify the present one: a link goes there",
  stepUp: true,
  body: changeEmailBody,
  response: emailChange,
});
const postOidc = defineRoute({
  ...open,
  method: "post",
  path: "/api/v1/session/oidc",
  summary: "Begin at the OpenID provider: where to send the browser",
  body: beginOidc,
  response: oidcRedirect,
});
const postOidcComplete = defineRoute({
  ...open,
  method: "post",
  path: "/api/v1/session/oidc/complete",
  summary: "Come back from the OpenID provider: signs in, links the account, or confirms the session",
  body: completeOidc,
  response: oidcResult,
});
const deleteLinked = defineRoute({
  ...mine,
  method: "delete",
  path: "/api/v1/me/linked/{id}",
  summary: "Unlink an account of the OpenID provider",
  params: z.object({ id: z.string().max(100) }),
  scope: "own",
  stepUp: true,
  status: 204,
  response: null,
});

/** Routes of a person's account: forgotten passwords, e-mail addresses, the OpenID provider. */
export function accountRoutes(api: Api, ctx: Context): void {
  const { auth } = api;
  const provider = createProviderFinder(ctx);
  const mailLimit = createMailLimit(ctx);

  api.route(getOptions, async () => {
    const oidc = await readSetting(ctx, "oidc", oidcSettings);
    return { passwordReset: await isMailSet(ctx), provider: oidc === null ? null : { label: oidc.value.label } };
  });
  api.route(postReset, async (request) => {
    await mailLimit(request.body.email, callerOf(request));
    await requestPasswordReset({ ctx, input: request.body });
    return {};
  });
  api.route(postResetComplete, async (request) => {
    const caller = callerOf(request);
    const { body, requestId } = request;
    // Hashing is work, and links are guessed like passwords: counted by the caller's address.
    await auth.attempt(`reset:${body.token.slice(0, 40)}`, caller, () =>
      completePasswordReset({ ctx, auth, input: { ...body, caller, requestId } }),
    );
  });
  api.route(postVerification, async (request) =>
    verifyEmail({ ctx, input: { ...request.body, caller: callerOf(request), requestId: request.requestId } }),
  );
  api.route(postEmail, async (request) => {
    await mailLimit(request.body.email, callerOf(request));
    return changeEmail({ ctx, principal: request.principal, input: request.body });
  });

  api.route(postOidc, async ({ body: { purpose }, principal, identity }) => {
    if (purpose !== "sign-in" && principal?.kind !== "user") throw new AppError("unauthenticated", "Sign in first, then link or confirm");
    // A linked account is a way in, and confirms sessions itself.
    if (purpose === "link") await demandConfirmed(ctx, identity);
    const begun = await beginFlow(ctx, await provider(), { purpose, userId: purpose === "sign-in" ? null : principal!.id });
    return new Reply({ url: begun.url }, setCookies([begun.cookie]));
  });
  api.route(postOidcComplete, async (request) => {
    const { principal, identity, headers, body, requestId } = request;
    const caller = callerOf(request);
    const found = await provider();
    const search = URL.parse(body.url)?.search ?? "";
    const { pending, user } = await finishFlow(ctx, found, headers, search);
    const ended = endFlow(ctx);
    if (pending.purpose === "sign-in") {
      const userId = await findUser({ ctx, input: { settings: found.settings, user, from: { caller, requestId } } });
      const { cookies } = await beginSession({ ctx, auth, input: { userId, by: "oidc", caller, requestId } });
      return new Reply({ purpose: pending.purpose }, setCookies([...cookies, ended]));
    }
    if (principal === null || identity === null || principal.kind !== "user" || principal.id !== pending.userId)
      throw new AppError("forbidden", "Another person began this; sign in as the same one");
    if (pending.purpose === "link") await linkAccount({ ctx, principal, input: { user } });
    else if (await isLinked(ctx, principal.id, user)) await markConfirmed(ctx, principal, identity, "oidc");
    else throw new AppError("forbidden", "This account of the provider is not linked to yours");
    return new Reply({ purpose: pending.purpose }, setCookies([ended]));
  });
  api.route(deleteLinked, ({ principal, params: { id } }) => unlinkAccount({ ctx, principal, input: { id } }));
}
