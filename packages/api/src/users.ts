import { z } from "zod";
import { id, permission } from "./platform.ts";

/** Who asks, and what they may do here. */
export const me = z
  .object({
    kind: z.enum(["user", "token"]),
    user: z.object({ id: z.string(), name: z.string(), email: z.string() }).nullable(),
    organization: z.object({ id, name: z.string() }),
    permission,
    version: z.string(),
  })
  .meta({ id: "Me" });
export type Me = z.infer<typeof me>;

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
