import type {
  ConfirmSession,
  Factors,
  MailState,
  Me,
  OidcResult,
  OidcState,
  Passkey,
  PutMailSettings,
  PutOidcSettings,
  RecoveryCodes,
  SecondFactor,
  SecuritySettings,
  SignInOptions,
  TestMailResult,
  TotpKey,
  UserSession,
} from "@devflow/api";
import { call } from "./client.ts";

const v1 = "/api/v1";
const s = encodeURIComponent;
type WebAuthn = Record<string, unknown>;

/** The part of the API that is about one's own account and how people sign in. */
export const account = {
  signInOptions: () => call<SignInOptions>("GET", `${v1}/session/options`),
  secondFactor: (body: SecondFactor) => call<Me>("POST", `${v1}/session/factor`, { body }),
  passkeySignInOptions: () => call<{ options: WebAuthn }>("POST", `${v1}/session/passkey/options`),
  passkeySignIn: (response: WebAuthn) => call<Me>("POST", `${v1}/session/passkey`, { body: { response } }),
  beginProvider: (purpose: OidcResult["purpose"]) => call<{ url: string }>("POST", `${v1}/session/oidc`, { body: { purpose } }),
  completeProvider: (url: string) => call<OidcResult>("POST", `${v1}/session/oidc/complete`, { body: { url } }),
  confirm: (body: ConfirmSession) => call<unknown>("POST", `${v1}/session/confirm`, { body }),
  confirmOptions: () => call<{ options: WebAuthn }>("POST", `${v1}/session/confirm/options`),
  askReset: (email: string) => call<unknown>("POST", `${v1}/password-resets`, { body: { email } }),
  completeReset: (token: string, password: string) =>
    call<unknown>("POST", `${v1}/password-resets/complete`, { body: { token, password } }),
  verifyEmail: (token: string) => call<unknown>("POST", `${v1}/email-verifications`, { body: { token } }),

  rename: (name: string) => call<Me>("PATCH", `${v1}/me`, { body: { name } }),
  changeEmail: (email: string) => call<{ sent: boolean }>("POST", `${v1}/me/email`, { body: { email } }),
  factors: () => call<Factors>("GET", `${v1}/me/factors`),
  beginTotp: (password: string) => call<TotpKey>("POST", `${v1}/me/totp`, { body: password === "" ? {} : { password } }),
  enableTotp: (code: string) => call<RecoveryCodes>("POST", `${v1}/me/totp/enable`, { body: { code } }),
  disableTotp: () => call<unknown>("DELETE", `${v1}/me/totp`),
  renewRecoveryCodes: () => call<RecoveryCodes>("POST", `${v1}/me/recovery-codes`),
  passkeyOptions: () => call<{ options: WebAuthn }>("POST", `${v1}/me/passkeys/options`),
  addPasskey: (name: string, response: WebAuthn) => call<Passkey>("POST", `${v1}/me/passkeys`, { body: { name, response } }),
  renamePasskey: (id: string, name: string) => call<Passkey>("PATCH", `${v1}/me/passkeys/${s(id)}`, { body: { name } }),
  removePasskey: (id: string) => call<unknown>("DELETE", `${v1}/me/passkeys/${s(id)}`),
  unlink: (id: string) => call<unknown>("DELETE", `${v1}/me/linked/${s(id)}`),
  sessions: () => call<{ items: UserSession[] }>("GET", `${v1}/me/sessions`),
  endSession: (id: string) => call<unknown>("DELETE", `${v1}/me/sessions/${s(id)}`),
  endOtherSessions: () => call<{ revoked: number }>("POST", `${v1}/me/sessions/revoke-others`),

  mail: () => call<MailState>("GET", `${v1}/settings/mail`),
  putMail: (body: PutMailSettings) => call<MailState>("PUT", `${v1}/settings/mail`, { body }),
  removeMail: () => call<unknown>("DELETE", `${v1}/settings/mail`),
  testMail: () => call<TestMailResult>("POST", `${v1}/settings/mail/test`, { body: {} }),
  oidc: () => call<OidcState>("GET", `${v1}/settings/oidc`),
  putOidc: (body: PutOidcSettings) => call<OidcState>("PUT", `${v1}/settings/oidc`, { body }),
  removeOidc: () => call<unknown>("DELETE", `${v1}/settings/oidc`),
  security: () => call<SecuritySettings>("GET", `${v1}/settings/security`),
  putSecurity: (body: SecuritySettings) => call<SecuritySettings>("PUT", `${v1}/settings/security`, { body }),
};
