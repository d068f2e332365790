import { z } from "zod";
import { permission, role } from "./permissions.ts";
import { id, orNull } from "./platform.ts";

/** Who asks, and what they may do here. */
export const me = z
  .object({
    kind: z.enum(["user", "token"]),
    user: z.object({ id: z.string(), name: z.string(), email: z.string() }).nullable(),
    organization: z.object({ id, name: z.string() }),
    /** Strongest built-in role over the whole organisation; null for who only has parts of it or a custom role. */
    role: orNull(role),
    /** What is allowed somewhere: everywhere, or within some groups, teams or projects only. */
    permissions: z.array(z.object({ permission, everywhere: z.boolean() })),
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
