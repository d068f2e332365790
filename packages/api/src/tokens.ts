import { z } from "zod";
import { grant, grantChoice } from "./organizations.ts";
import { role } from "./permissions.ts";
import { id, orNull, page, pageQuery, time } from "./platform.ts";

/** Text that people read in one line. */
const line = (minimum: number, maximum: number) =>
  z
    .string()
    .trim()
    .min(minimum)
    .max(maximum)
    .regex(/^[^\p{Cc}\p{Zl}\p{Zp}]*$/u, "expected one line without control characters");

/** An API token, without its secret. */
export const apiToken = z
  .object({
    id,
    name: z.string(),
    /** How the secret begins. */
    prefix: z.string(),
    /** What it may do at most, and where; what its holder may do bounds it at each use. */
    grants: z.array(grant),
    /** Built-in role over the whole organisation; null: parts of it or a custom role. */
    role: orNull(role),
    /** Who holds it: a person, a service account, or nobody (DEVFLOW_BOOTSTRAP_TOKEN). */
    holder: z.object({ kind: z.enum(["user", "service", "nobody"]), id: z.string(), name: z.string() }),
    /** Whether it is the caller's own. */
    mine: z.boolean(),
    /** Whether the caller may revoke it. */
    mayRevoke: z.boolean(),
    createdAt: time,
    expiresAt: time.nullable(),
    /** To the minute. */
    lastUsedAt: time.nullable(),
    lastUsedAddress: z.string().nullable(),
    revokedAt: time.nullable(),
  })
  .meta({ id: "ApiToken" });
export type ApiToken = z.infer<typeof apiToken>;
export const apiTokenPage = page(apiToken).meta({ id: "ApiTokenPage" });

/** Query of GET /api/v1/tokens: newest first. */
export const apiTokenListQuery = pageQuery.extend({
  /** "true": the caller's own only. Without it everybody's, for who may manage tokens. */
  mine: z.enum(["true", "false"]).optional(),
  state: z.enum(["active", "expired", "revoked"]).optional(),
  serviceAccountId: id.optional(),
  /** Part of the name. */
  search: z.string().max(100).optional(),
});

/** What it may do: a role over the whole organisation, or roles over parts of it; one of the two. */
export const createApiToken = z
  .object({
    name: line(1, 100),
    role: role.optional(),
    grants: z.array(grantChoice).min(1).max(50).optional(),
    /** Default 90; null: it does not end. */
    expiresInDays: z.int().min(1).max(3650).nullable().optional(),
    /** For a service account; default: the caller's own. */
    serviceAccountId: id.optional(),
  })
  .meta({ id: "CreateApiToken" });
export type CreateApiToken = z.infer<typeof createApiToken>;

/** The only answer that ever holds the secret. */
export const createdApiToken = z.object({ token: apiToken, secret: z.string() }).meta({ id: "CreatedApiToken" });
export type CreatedApiToken = z.infer<typeof createdApiToken>;

/** An account of programs: own roles and own tokens, that no person's leaving ends. */
export const serviceAccount = z
  .object({
    id,
    name: z.string(),
    description: z.string(),
    grants: z.array(grant),
    createdAt: time,
    createdBy: z.string().nullable(),
    /** Its tokens do nothing while it is disabled. */
    disabledAt: time.nullable(),
    /** Tokens that are neither revoked nor expired. */
    tokens: z.int(),
    lastUsedAt: time.nullable(),
    /** Whether the caller may change it: nobody touches who may do more. */
    mayChange: z.boolean(),
  })
  .meta({ id: "ServiceAccount" });
export type ServiceAccount = z.infer<typeof serviceAccount>;
export const serviceAccountPage = page(serviceAccount).meta({ id: "ServiceAccountPage" });
export const createServiceAccount = z
  .object({ name: line(1, 60), description: line(0, 500).optional(), grants: z.array(grantChoice).max(100) })
  .meta({ id: "CreateServiceAccount" });
export type CreateServiceAccount = z.infer<typeof createServiceAccount>;
export const updateServiceAccount = z
  .object({
    name: line(1, 60).optional(),
    description: line(0, 500).optional(),
    grants: z.array(grantChoice).max(100).optional(),
    disabled: z.boolean().optional(),
  })
  .meta({ id: "UpdateServiceAccount" });
export type UpdateServiceAccount = z.infer<typeof updateServiceAccount>;
