import {
  mailState,
  oidcState,
  oidcTestResult,
  putMailSettings,
  putOidcSettings,
  securitySettings,
  testMail,
  testMailResult,
} from "@devflow/api";
import { AppError } from "@devflow/errors";
import type { Context } from "../../platform/context.ts";
import { type Api, defineRoute } from "../../platform/http/index.ts";
import { putMail, readMail, removeMail, testMailServer } from "./mail.ts";
import { putOidc, readOidc, removeOidc, testOidc } from "./oidc.ts";
import { putSecurity, readSecurity } from "./security.ts";

const common = { permission: "installation.manage", tag: "settings" } as const;

const getMail = defineRoute({
  ...common,
  method: "get",
  path: "/api/v1/settings/mail",
  summary: "How DevFlow sends mail",
  response: mailState,
});
const changeMail = defineRoute({
  ...common,
  method: "put",
  path: "/api/v1/settings/mail",
  summary: "Set the mail server",
  stepUp: true,
  body: putMailSettings,
  response: mailState,
});
const deleteMail = defineRoute({
  ...common,
  method: "delete",
  path: "/api/v1/settings/mail",
  summary: "Send no more mail",
  stepUp: true,
  status: 204,
  response: null,
});
const postMailTest = defineRoute({
  ...common,
  method: "post",
  path: "/api/v1/settings/mail/test",
  summary: "Send one mail now, and tell what the server answered",
  body: testMail,
  response: testMailResult,
  idempotent: false,
});
const getOidc = defineRoute({
  ...common,
  method: "get",
  path: "/api/v1/settings/oidc",
  summary: "Signing in by an OpenID provider",
  response: oidcState,
});
const changeOidc = defineRoute({
  ...common,
  method: "put",
  path: "/api/v1/settings/oidc",
  summary: "Set the OpenID provider; it is asked for its description first",
  stepUp: true,
  body: putOidcSettings,
  response: oidcState,
});
const deleteOidc = defineRoute({
  ...common,
  method: "delete",
  path: "/api/v1/settings/oidc",
  summary: "Nobody signs in by the OpenID provider any more",
  stepUp: true,
  status: 204,
  response: null,
});
const postOidcTest = defineRoute({
  ...common,
  method: "post",
  path: "/api/v1/settings/oidc/test",
  summary: "Ask the OpenID provider for its description, and whether it knows the client",
  response: oidcTestResult,
  idempotent: false,
});
const getSecurity = defineRoute({
  ...common,
  method: "get",
  path: "/api/v1/settings/security",
  summary: "What is demanded of passwords",
  response: securitySettings,
});
const changeSecurity = defineRoute({
  ...common,
  method: "put",
  path: "/api/v1/settings/security",
  summary: "Set what is demanded of passwords",
  stepUp: true,
  body: securitySettings,
  response: securitySettings,
});

/** Settings of the whole installation. */
export function settingsRoutes(api: Api, ctx: Context): void {
  api.route(getMail, () => readMail({ ctx }));
  api.route(changeMail, ({ principal, body }) => putMail({ ctx, principal, input: body }));
  api.route(deleteMail, ({ principal }) => removeMail({ ctx, principal }));
  api.route(postMailTest, async ({ body, identity }) => {
    const to = body.to ?? identity?.email;
    if (to === null || to === undefined)
      throw new AppError("invalid", 'An API token has no mailbox; say to whom: {"to": "name@example.com"}');
    return testMailServer({ ctx, input: { to } });
  });
  api.route(getOidc, () => readOidc({ ctx }));
  api.route(changeOidc, ({ principal, body }) => putOidc({ ctx, principal, input: body }));
  api.route(deleteOidc, ({ principal }) => removeOidc({ ctx, principal }));
  api.route(postOidcTest, () => testOidc({ ctx }));
  api.route(getSecurity, () => readSecurity({ ctx }));
  api.route(changeSecurity, ({ principal, body }) => putSecurity({ ctx, principal, input: body }));
}
