import { z } from "zod";
import { serverTags } from "./groups.ts";
import { id, page, time } from "./platform.ts";

export const enrolmentToken = z
  .object({
    id,
    name: z.string(),
    prefix: z.string(),
    maxUses: z.int(),
    uses: z.int(),
    createdAt: time,
    expiresAt: time,
    revokedAt: time.nullable(),
    /** Where servers that use it begin, and with which tags. */
    groupId: id.nullable(),
    tags: z.array(z.string()),
    /** Servers that used it, newest first. */
    serverIds: z.array(id),
  })
  .meta({ id: "EnrolmentToken" });
export type EnrolmentToken = z.infer<typeof enrolmentToken>;
export const enrolmentTokenPage = page(enrolmentToken).meta({ id: "EnrolmentTokenPage" });

export const createEnrolmentToken = z
  .object({
    name: z.string().trim().min(1).max(100).optional(),
    maxUses: z.int().min(1).max(10_000).optional(),
    expiresInMinutes: z.int().min(1).max(525_600).optional(),
    /** Keep the history of this server: the next machine that enrols takes its place. */
    replacesServerId: id.optional(),
    /** Servers that use it begin in this group and with these tags. */
    groupId: id.nullable().optional(),
    tags: serverTags.optional(),
  })
  .meta({ id: "CreateEnrolmentToken" });
export type CreateEnrolmentToken = z.infer<typeof createEnrolmentToken>;

/** The only answer that ever holds the secret. */
export const createdEnrolmentToken = z
  .object({
    token: enrolmentToken,
    secret: z.string(),
    /** The line to paste; it pins the enrolment listener's key. */
    command: z.string(),
    /** The line for a controller with a public https address; null without one. */
    shortCommand: z.string().nullable(),
  })
  .meta({ id: "CreatedEnrolmentToken" });
export type CreatedEnrolmentToken = z.infer<typeof createdEnrolmentToken>;
