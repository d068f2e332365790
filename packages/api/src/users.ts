import { z } from "zod";
import { permission, role } from "./permissions.ts";
import { id, orNull, page, pageQuery, time } from "./platform.ts";

/** Who asks, and what they may do here. */
export const me = z
  .object({
    kind: z.enum(["user", "token"]),
    user: z.object({ id: z.string(), name: z.string(), email: z.string(), emailVerified: z.boolean() }).nullable(),
    organization: z.object({ id, name: z.string() }),
    /** Strongest built-in role over the whole organisation; null for who only has parts of it or a custom role. */
    role: orNull(role),
    /**
     * What is allowed somewhere: everywhere, or for what is in these groups or owned by these teams only. The groups
     * are all that the permission reaches, also by the team that owns them.
     */
    permissions: z.array(z.object({ permission, everywhere: z.boolean(), groupIds: z.array(id), teamIds: z.array(id) })),
    /** Whether settings of the whole installation may be changed. */
    installationAdministrator: z.boolean(),
    version: z.string(),
  })
  .meta({ id: "Me" });
export type Me = z.infer<typeof me>;

/** GET /api/v1/session: who is signed in, null for a stranger; for pages that are there before the sign-in. */
export const sessionState = z.object({ me: orNull(me) }).meta({ id: "SessionState" });
export type SessionState = z.infer<typeof sessionState>;

/** Whether the first administrator is still to be made. Open to everybody; tells nothing else. */
export const setupState = z.object({ needed: z.boolean() }).meta({ id: "SetupState" });
export type SetupState = z.infer<typeof setupState>;

/** Makes the first administrator with the one-time code of the printed link. */
export const setupRequest = z
  .object({
    code: z.string().min(1).max(100),
    name: z.string().trim().min(1).max(100),
    email: z.email().max(254),
    password: z.string().min(12).max(128),
  })
  .meta({ id: "SetupRequest" });
export type SetupRequest = z.infer<typeof setupRequest>;

/** POST /api/v1/session: sets the session cookie. Five wrong passwords for an account from one address in 15 minutes: 429. */
export const signInRequest = z.object({ email: z.email().max(254), password: z.string().min(1).max(128) }).meta({ id: "SignInRequest" });
export type SignInRequest = z.infer<typeof signInRequest>;

/** POST /api/v1/me/password: every other session of the user ends at once, and the user's API tokens unless kept. */
export const changePasswordRequest = z
  .object({
    currentPassword: z.string().min(1).max(128),
    newPassword: z.string().min(12).max(128),
    /** Default false. */
    keepTokens: z.boolean().optional(),
  })
  .meta({ id: "ChangePasswordRequest" });
export type ChangePasswordRequest = z.infer<typeof changePasswordRequest>;

const code = z.string().trim().min(6).max(20);

/** The password was right and a second factor is asked for: POST /api/v1/session/factor within five minutes. */
export const signInChallenge = z.object({ kind: z.literal("challenge"), challenge: z.string() }).meta({ id: "SignInChallenge" });
export type SignInChallenge = z.infer<typeof signInChallenge>;
/** Told apart by `kind`. */
export const signInResult = z.union([me, signInChallenge]).meta({ id: "SignInResult" });
export type SignInResult = z.infer<typeof signInResult>;

/** POST /api/v1/session/factor: a code of the authenticator, or one of the recovery codes. */
export const secondFactor = z
  .object({ challenge: z.string().min(1).max(2_000), method: z.enum(["totp", "recovery"]), code })
  .meta({ id: "SecondFactor" });
export type SecondFactor = z.infer<typeof secondFactor>;

/** GET /api/v1/session/options: what the sign-in page offers. */
export const signInOptions = z
  .object({ passwordReset: z.boolean(), provider: z.object({ label: z.string() }).nullable() })
  .meta({ id: "SignInOptions" });
export type SignInOptions = z.infer<typeof signInOptions>;

/** Options or answer of the browser's WebAuthn calls, in their JSON forms. */
const webAuthn = z.record(z.string(), z.unknown());
export const passkeyOptions = z.object({ options: webAuthn }).meta({ id: "PasskeyOptions" });
export const passkeyAnswer = z.object({ response: webAuthn }).meta({ id: "PasskeyAnswer" });

/** POST /api/v1/session/confirm: who is behind this session, once more, for the ten minutes that come. */
export const confirmSession = z
  .discriminatedUnion("method", [
    z.object({ method: z.literal("password"), password: z.string().min(1).max(128) }),
    z.object({ method: z.literal("totp"), code }),
    z.object({ method: z.literal("passkey"), response: webAuthn }),
  ])
  .meta({ id: "ConfirmSession" });
export type ConfirmSession = z.infer<typeof confirmSession>;

const keyName = z.string().trim().min(1).max(60);
export const passkey = z
  .object({
    id: z.string(),
    name: z.string(),
    createdAt: time,
    lastUsedAt: time.nullable(),
    /** Kept by a provider, on several machines. */ synced: z.boolean(),
  })
  .meta({ id: "Passkey" });
export type Passkey = z.infer<typeof passkey>;
/** POST /api/v1/me/passkeys: what the browser answered to the options. */
export const createPasskey = z.object({ name: keyName, response: webAuthn }).meta({ id: "CreatePasskey" });
export const renamePasskey = z.object({ name: keyName }).meta({ id: "RenamePasskey" });

/** By what the person who asks can prove who they are. */
export const factors = z
  .object({
    hasPassword: z.boolean(),
    totp: z.boolean(),
    recoveryCodesLeft: z.int(),
    passkeys: z.array(passkey),
    /** Accounts at the OpenID provider. */
    linked: z.array(z.object({ id: z.string(), provider: z.string(), createdAt: time })),
  })
  .meta({ id: "Factors" });
export type Factors = z.infer<typeof factors>;

/** POST /api/v1/me/totp: whoever has a password gives it. */
export const beginTotp = z.object({ password: z.string().min(1).max(128).optional() }).meta({ id: "BeginTotp" });
/** `uri` is what the QR code holds; `key` is the same to type. */
export const totpKey = z.object({ key: z.string(), uri: z.string() }).meta({ id: "TotpKey" });
export type TotpKey = z.infer<typeof totpKey>;
export const enableTotp = z.object({ code }).meta({ id: "EnableTotp" });
/** Shown once. */
export const recoveryCodes = z.object({ recoveryCodes: z.array(z.string()) }).meta({ id: "RecoveryCodes" });
export type RecoveryCodes = z.infer<typeof recoveryCodes>;

export const userSession = z
  .object({
    id: z.string(),
    /** "Firefox 128 on Linux" */
    browser: z.string(),
    address: z.string().nullable(),
    createdAt: time,
    lastUsedAt: time,
    /** The one that asks. */
    current: z.boolean(),
  })
  .meta({ id: "UserSession" });
export type UserSession = z.infer<typeof userSession>;
export const userSessionPage = page(userSession).meta({ id: "UserSessionPage" });
export const revokedSessions = z.object({ revoked: z.int() }).meta({ id: "RevokedSessions" });

export const updateMe = z.object({ name: z.string().trim().min(1).max(100) }).meta({ id: "UpdateMe" });
/** POST /api/v1/me/email: `sent` says that a link went to the new address, which counts once it is opened; otherwise it is changed already. */
export const changeEmail = z.object({ email: z.email().max(254) }).meta({ id: "ChangeEmail" });
export const emailChange = z.object({ sent: z.boolean() }).meta({ id: "EmailChange" });
/** What a link of a mail holds. */
export const oneTimeToken = z.object({ token: z.string().min(1).max(200) }).meta({ id: "OneTimeToken" });

export const requestPasswordReset = z.object({ email: z.email().max(254) }).meta({ id: "RequestPasswordReset" });
export const completePasswordReset = z
  .object({ token: z.string().min(1).max(200), password: z.string().min(12).max(128) })
  .meta({ id: "CompletePasswordReset" });

/** POST /api/v1/session/oidc: where to send the browser. link: to the account that is signed in; confirm: a step-up. */
export const beginOidc = z.object({ purpose: z.enum(["sign-in", "link", "confirm"]) }).meta({ id: "BeginOidc" });
export const oidcRedirect = z.object({ url: z.string() }).meta({ id: "OidcRedirect" });
/** POST /api/v1/session/oidc/complete: the address that the provider sent the browser back to. */
export const completeOidc = z.object({ url: z.string().min(1).max(4_000) }).meta({ id: "CompleteOidc" });
export const oidcResult = z.object({ purpose: z.enum(["sign-in", "link", "confirm"]) }).meta({ id: "OidcResult" });
export type OidcResult = z.infer<typeof oidcResult>;

/** What a new installation wants done, in the order in which it is shown. */
export const firstStepNames = ["server", "people", "factor", "automation"] as const;

/** How far somebody is with the first steps; each is told from what is there. */
export const firstSteps = z
  .object({
    steps: z.array(
      z.object({
        /**
         * server: one is added; people: somebody else belongs to the organisation or is invited, or mail can be sent;
         * factor: the caller has an authenticator or a passkey; automation: the caller has an API token or a command line.
         */
        step: z.enum(firstStepNames),
        done: z.boolean(),
      }),
    ),
    /** true: put away; false: asked for, also when all is done; null: shown while something is left. */
    away: z.boolean().nullable(),
  })
  .meta({ id: "FirstSteps" });
export type FirstSteps = z.infer<typeof firstSteps>;
export const putFirstSteps = z.object({ away: z.boolean() }).meta({ id: "PutFirstSteps" });

/** A user of the installation, as its administrators see them: nothing of the organisations that they belong to. */
export const installationUser = z
  .object({
    id: z.string(),
    name: z.string(),
    email: z.string(),
    emailVerified: z.boolean(),
    createdAt: time,
    /** Null: never, or before this was written down. */
    lastSignInAt: time.nullable(),
    /** To how many they belong. */
    organizations: z.int(),
    /** Open sessions. */
    sessions: z.int(),
    /** By what they can sign in, and what is asked for beside the password. `linked`: an account at the OpenID provider. */
    factors: z.object({ hasPassword: z.boolean(), totp: z.boolean(), passkey: z.boolean(), linked: z.boolean() }),
    installationAdministrator: z.boolean(),
    /** Since when they cannot sign in by any way; null: they can. */
    disabledAt: time.nullable(),
    you: z.boolean(),
  })
  .meta({ id: "InstallationUser" });
export type InstallationUser = z.infer<typeof installationUser>;
export const installationUserPage = page(installationUser).meta({ id: "InstallationUserPage" });

/** Query of GET /api/v1/users; sorted by e-mail address unless said otherwise. */
export const installationUserListQuery = pageQuery.extend({
  /** Part of the name or address, or the id. */
  search: z.string().max(100).optional(),
  state: z.enum(["active", "disabled"]).optional(),
  /** "true": administrators of the installation only. */
  administrators: z.enum(["true", "false"]).optional(),
  sort: z.enum(["name", "-name", "email", "-email", "lastSignInAt", "-lastSignInAt"]).optional(),
});
export type InstallationUserSort = NonNullable<z.infer<typeof installationUserListQuery>["sort"]>;

/** PATCH /api/v1/users/{id}. Disabled: sessions, API tokens and live connections end at once, and no way in is left until enabled. */
export const updateInstallationUser = z
  .object({ disabled: z.boolean().optional(), installationAdministrator: z.boolean().optional() })
  .meta({ id: "UpdateInstallationUser" });
export type UpdateInstallationUser = z.infer<typeof updateInstallationUser>;
/** POST /api/v1/users/{id}/sign-out: `tokens` ends their API tokens too; default false. */
export const signOutUser = z.object({ tokens: z.boolean().optional() }).meta({ id: "SignOutUser" });
/** How many ended. */
export const signedOutUser = z.object({ sessions: z.int(), tokens: z.int() }).meta({ id: "SignedOutUser" });
export type SignedOutUser = z.infer<typeof signedOutUser>;
