import { z } from "zod";
import { role } from "./permissions.ts";
import { id, orNull } from "./platform.ts";

const host = z
  .string()
  .trim()
  .min(1)
  .max(253)
  .regex(/^[a-zA-Z0-9._:-]+$/, "expected a host name or an address");

/** "Name <address>" or an address alone. */
const sender = z
  .string()
  .trim()
  .max(254)
  .regex(/^(?:[^<>\r\n"]{1,100} <[^<>\s@]+@[^<>\s@]+>|[^<>\s@]+@[^<>\s@]+)$/, "expected name@example.com or Name <name@example.com>");

const mailFields = {
  host,
  port: z.int().min(1).max(65_535),
  /** tls: from the first byte (465); starttls: demanded (587, 25); none: for a server on the same machine. */
  encryption: z.enum(["tls", "starttls", "none"]),
  /** Null: without signing in. */
  user: z.string().min(1).max(254).nullable(),
  from: sender,
  /** PEM of an own certification authority; null: the well-known ones. */
  certificateAuthority: z
    .string()
    .max(20_000)
    .regex(/-----BEGIN CERTIFICATE-----[\s\S]+-----END CERTIFICATE-----/, "expected a certificate in PEM")
    .nullable(),
};

/** How DevFlow sends mail, as it is stored; its password is kept apart and never shown. */
export const mailSettings = z.object(mailFields).meta({ id: "MailSettings" });
export type MailSettings = z.infer<typeof mailSettings>;

/** A mail that was not taken yet, or was given up. To whom it was to go is not told. */
export const mailFailure = z
  .object({ queuedAt: z.iso.datetime(), attempts: z.int(), reason: z.string(), givenUpAt: z.iso.datetime().nullable() })
  .meta({ id: "MailFailure" });
export type MailFailure = z.infer<typeof mailFailure>;

/** `waiting` counts mails that are still to be sent; `failures` are the newest of those that failed, of the last seven days. */
export const mailState = z
  .object({ mail: orNull(mailSettings), hasPassword: z.boolean(), waiting: z.int(), failures: z.array(mailFailure) })
  .meta({ id: "MailState" });
export type MailState = z.infer<typeof mailState>;

/** PUT /api/v1/settings/mail. */
export const putMailSettings = z
  .object({
    ...mailFields,
    /** Left out: the stored one stays. */
    password: z.string().min(1).max(1_000).optional(),
  })
  .refine(({ encryption, user, host: to }) => encryption !== "none" || user === null || /^(localhost|127\.|::1$)/.test(to), {
    path: ["encryption"],
    message: "a password is not sent without encryption, except on this machine",
  })
  .meta({ id: "PutMailSettings" });
export type PutMailSettings = z.infer<typeof putMailSettings>;

/** POST /api/v1/settings/mail/test: sends one mail now, to whoever asks unless `to` is given. */
export const testMail = z.object({ to: z.email().max(254).optional() }).meta({ id: "TestMail" });
export const testMailResult = z.object({ to: z.string(), answer: z.string() }).meta({ id: "TestMailResult" });
export type TestMailResult = z.infer<typeof testMailResult>;

const issuer = z
  .url({ protocol: /^https?$/, error: "expected the issuer's address, https://…" })
  .max(500)
  .refine(
    (text) => /^https:|^http:\/\/(localhost|127\.0\.0\.1|\[::1\])(:|\/|$)/.test(text),
    "expected https:// (http:// on this machine only)",
  );

const oidcFields = {
  issuer,
  clientId: z.string().trim().min(1).max(500),
  /** Beside "openid". */
  scopes: z
    .string()
    .trim()
    .max(500)
    .regex(/^[\x21\x23-\x5b\x5d-\x7e]*(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/, "expected scopes separated by blanks"),
  /** Only people with an e-mail address of one of these; empty: of any. */
  allowedDomains: z
    .array(
      z
        .string()
        .trim()
        .toLowerCase()
        .regex(/^[a-z0-9.-]+\.[a-z0-9-]+$/, "expected a domain such as example.com"),
    )
    .max(100),
  /** What somebody becomes who signs in for the first time; null: only people who are here already get in. */
  newMembers: z.object({ organizationId: id, role }).nullable(),
  /** On the button: "Sign in with …". */
  label: z.string().trim().min(1).max(60),
};

/** Signing in by an OpenID provider, as it is stored; its secret is kept apart and never shown. */
export const oidcSettings = z.object(oidcFields).meta({ id: "OidcSettings" });
export type OidcSettings = z.infer<typeof oidcSettings>;

/** redirectUri is what to enter at the provider. */
export const oidcState = z
  .object({ oidc: orNull(oidcSettings), hasSecret: z.boolean(), redirectUri: z.string() })
  .meta({ id: "OidcState" });
export type OidcState = z.infer<typeof oidcState>;

/** PUT /api/v1/settings/oidc; the provider is asked for its description first. */
export const putOidcSettings = z
  .object({
    ...oidcFields,
    /** Left out: the stored one stays, as long as issuer and client id stay too. Null: a client without a secret. */
    secret: z.string().min(1).max(2_000).nullable().optional(),
  })
  .meta({ id: "PutOidcSettings" });
export type PutOidcSettings = z.infer<typeof putOidcSettings>;

/**
 * POST /api/v1/settings/oidc/test. accepted: the provider knows the client and its secret; untold: it described itself,
 * and does not say whether it knows them.
 */
export const oidcTestResult = z.object({ issuer: z.string(), client: z.enum(["accepted", "untold"]) }).meta({ id: "OidcTestResult" });
export type OidcTestResult = z.infer<typeof oidcTestResult>;

export const securitySettings = z
  .object({
    /** Whether new passwords are compared with those of known breaches; five characters of their SHA-1 leave the controller. */
    checkBreachedPasswords: z.boolean(),
  })
  .meta({ id: "SecuritySettings" });
export type SecuritySettings = z.infer<typeof securitySettings>;
