import { z } from "zod";
import { role } from "./permissions.ts";
import { id, page, time } from "./platform.ts";

/** An API token, without its secret. */
export const apiToken = z
  .object({
    id,
    name: z.string(),
    prefix: z.string(),
    role,
    createdAt: time,
    expiresAt: time.nullable(),
    lastUsedAt: time.nullable(),
    revokedAt: time.nullable(),
  })
  .meta({ id: "ApiToken" });
export type ApiToken = z.infer<typeof apiToken>;
export const apiTokenPage = page(apiToken).meta({ id: "ApiTokenPage" });

export const createApiToken = z
  .object({
    name: z.string().trim().min(1).max(100),
    role,
    expiresInDays: z.int().min(1).max(3650).nullable().optional(),
  })
  .meta({ id: "CreateApiToken" });
export type CreateApiToken = z.infer<typeof createApiToken>;

/** The only answer that ever holds the secret. */
export const createdApiToken = z.object({ token: apiToken, secret: z.string() }).meta({ id: "CreatedApiToken" });
export type CreatedApiToken = z.infer<typeof createdApiToken>;
