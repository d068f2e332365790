import { z } from "zod";
import { role } from "./permissions.ts";
import { orNull, time } from "./platform.ts";
import { apiToken } from "./tokens.ts";

/** POST /api/v1/cli-logins: a program asks for a token that somebody confirms in the browser. */
export const beginCliLogin = z
  .object({
    /** What asks, in its own words: shown to whoever confirms, and the name of the token unless they write another. */
    client: z.string().trim().min(1).max(80),
    /** The role that the program would like. Default: whatever the person gives. */
    role: role.optional(),
  })
  .meta({ id: "BeginCliLogin" });
export type BeginCliLogin = z.infer<typeof beginCliLogin>;

export const begunCliLogin = z
  .object({
    /** Known to the program alone; POST …/collect takes it. Never part of an address. */
    deviceCode: z.string(),
    /** "BCDF-GHJK", shown in the terminal and in the browser. */
    userCode: z.string(),
    /** Where to confirm; relative to the controller's address when that has no public one. */
    verificationUrl: z.string(),
    expiresAt: time,
    /** Seconds to wait between two attempts to collect. */
    intervalSeconds: z.int(),
  })
  .meta({ id: "BegunCliLogin" });
export type BegunCliLogin = z.infer<typeof begunCliLogin>;

/** As typed: small letters, spaces and a missing dash are forgiven. */
const userCode = z.string().min(8).max(20);

export const cliLoginQuery = z.object({ code: userCode });

/** What whoever confirms compares with the terminal. */
export const cliLogin = z
  .object({
    userCode: z.string(),
    client: z.string(),
    /** From where the program asked; null when that is not known. */
    address: z.string().nullable(),
    /** Whether the browser comes from the same address. */
    sameAddress: z.boolean(),
    role: orNull(role),
    createdAt: time,
    expiresAt: time,
  })
  .meta({ id: "CliLogin" });
export type CliLogin = z.infer<typeof cliLogin>;

export const confirmCliLogin = z
  .object({
    userCode,
    /** As it was shown; another one is refused. */
    address: z.string().max(100).nullable(),
    name: z.string().trim().min(1).max(100),
    role,
    expiresInDays: z.int().min(1).max(3650).nullable(),
  })
  .meta({ id: "ConfirmCliLogin" });
export type ConfirmCliLogin = z.infer<typeof confirmCliLogin>;

export const denyCliLogin = z.object({ userCode }).meta({ id: "DenyCliLogin" });

export const collectCliLogin = z.object({ deviceCode: z.string().min(20).max(100) }).meta({ id: "CollectCliLogin" });

/** "pending": ask again after intervalSeconds. "done": the only answer that ever holds the secret. */
export const collectedCliLogin = z
  .discriminatedUnion("state", [
    z.object({ state: z.literal("pending"), intervalSeconds: z.int() }),
    z.object({ state: z.literal("done"), token: apiToken, secret: z.string() }),
  ])
  .meta({ id: "CollectedCliLogin" });
export type CollectedCliLogin = z.infer<typeof collectedCliLogin>;
