import {
  beginTotp as beginTotpBody,
  confirmSession as confirmBody,
  createPasskey as createPasskeyBody,
  enableTotp as enableTotpBody,
  factors,
  passkey,
  passkeyOptions,
  recoveryCodes,
  renamePasskey as renamePasskeyBody,
  totpKey,
} from "@devflow/api";
import { z } from "zod";
import type { Context } from "../../platform/context.ts";
import { type Api, defineRoute } from "../../platform/http/index.ts";
import { callerOf } from "./caller-of.ts";
import { confirmationOptions, confirmSession } from "./confirm-session.ts";
import { readFactors } from "./factors.ts";
import { createPasskey, registrationOptions, removePasskey, renamePasskey } from "./passkeys/manage-passkeys.ts";
import { beginTotp, disableTotp, enableTotp, renewRecoveryCodes } from "./totp/manage-totp.ts";

const mine = { permission: "authenticated", tag: "users", idempotent: false } as const;
const params = z.object({ id: z.string().max(1_500) });

const getFactors = defineRoute({
  ...mine,
  method: "get",
  path: "/api/v1/me/factors",
  summary: "By what one can prove who one is",
  response: factors,
});
const postTotp = defineRoute({
  ...mine,
  method: "post",
  path: "/api/v1/me/totp",
  summary: "Begin to set an authenticator up; it counts once its first code came",
  body: beginTotpBody,
  response: totpKey,
});
const postTotpEnable = defineRoute({
  ...mine,
  method: "post",
  path: "/api/v1/me/totp/enable",
  summary: "Turn the authenticator on by its first code; shows the recovery codes once",
  stepUp: true,
  body: enableTotpBody,
  response: recoveryCodes,
});
const deleteTotp = defineRoute({
  ...mine,
  method: "delete",
  path: "/api/v1/me/totp",
  summary: "Remove the authenticator and the recovery codes",
  stepUp: true,
  status: 204,
  response: null,
});
const postRecoveryCodes = defineRoute({
  ...mine,
  method: "post",
  path: "/api/v1/me/recovery-codes",
  summary: "New recovery codes in place of the old ones, shown once",
  stepUp: true,
  response: recoveryCodes,
});
const postPasskeyOptions = defineRoute({
  ...mine,
  method: "post",
  path: "/api/v1/me/passkeys/options",
  summary: "What the browser is to make a passkey from",
  stepUp: true,
  response: passkeyOptions,
});
const postPasskey = defineRoute({
  ...mine,
  method: "post",
  path: "/api/v1/me/passkeys",
  summary: "Keep a new passkey",
  stepUp: true,
  body: createPasskeyBody,
  status: 201,
  response: passkey,
});
const patchPasskey = defineRoute({
  ...mine,
  method: "patch",
  path: "/api/v1/me/passkeys/{id}",
  summary: "Rename a passkey",
  params,
  scope: "own",
  body: renamePasskeyBody,
  response: passkey,
});
const deletePasskey = defineRoute({
  ...mine,
  method: "delete",
  path: "/api/v1/me/passkeys/{id}",
  summary: "Remove a passkey",
  params,
  scope: "own",
  stepUp: true,
  status: 204,
  response: null,
});
const postConfirm = defineRoute({
  ...mine,
  method: "post",
  path: "/api/v1/session/confirm",
  summary: "Prove once more who is behind this session; dangerous actions go through for ten minutes",
  body: confirmBody,
  status: 204,
  response: null,
});
const postConfirmOptions = defineRoute({
  ...mine,
  method: "post",
  path: "/api/v1/session/confirm/options",
  summary: "What a passkey is to sign to confirm this session",
  response: passkeyOptions,
});

/** Routes of what a person proves who they are by. */
export function factorRoutes(api: Api, ctx: Context): void {
  const { auth } = api;
  api.route(getFactors, ({ principal }) => readFactors({ ctx, principal }));
  api.route(postTotp, (request) =>
    beginTotp({ ctx, auth, principal: request.principal, input: { password: request.body.password, caller: callerOf(request) } }),
  );
  api.route(postTotpEnable, async (request) => ({
    recoveryCodes: await enableTotp({
      ctx,
      auth,
      principal: request.principal,
      input: { code: request.body.code, caller: callerOf(request) },
    }),
  }));
  api.route(deleteTotp, ({ principal }) => disableTotp({ ctx, principal }));
  api.route(postRecoveryCodes, async ({ principal }) => ({ recoveryCodes: await renewRecoveryCodes({ ctx, principal }) }));
  api.route(postPasskeyOptions, ({ principal, headers }) => registrationOptions({ ctx, principal, input: { headers } }));
  api.route(postPasskey, ({ principal, headers, body }) => createPasskey({ ctx, principal, input: { headers, ...body } }));
  api.route(patchPasskey, ({ principal, params: { id }, body }) => renamePasskey({ ctx, principal, input: { id, ...body } }));
  api.route(deletePasskey, ({ principal, params: { id } }) => removePasskey({ ctx, principal, input: { id } }));
  api.route(postConfirm, (request) =>
    confirmSession({
      ctx,
      auth,
      principal: request.principal,
      identity: request.identity!,
      input: { proof: request.body, headers: request.headers, caller: callerOf(request) },
    }),
  );
  api.route(postConfirmOptions, ({ principal, identity, headers }) =>
    confirmationOptions({ ctx, principal, identity: identity!, input: { headers } }),
  );
}
