import { AppError } from "@devflow/errors";
import type { AuthenticationResponseJSON } from "@simplewebauthn/server";
import { eq } from "drizzle-orm";
import type { Context } from "../../../platform/context.ts";
import { passkeys } from "../schema.ts";
import { isOwnChallenge, newChallenge, useChallenge } from "./challenge.ts";
import { relyingParty } from "./relying-party.ts";
import { webauthn } from "./webauthn.ts";

/** @param purpose "sign-in" or "confirm:SESSION" */
export async function passkeyRequest(
  ctx: Context,
  headers: Headers,
  purpose: string,
  allowed: readonly { id: string; transports: readonly string[] }[] = [],
): Promise<{ options: Record<string, unknown> }> {
  const { generateAuthenticationOptions } = await webauthn();
  const options = await generateAuthenticationOptions({
    rpID: relyingParty(ctx, headers).id,
    challenge: newChallenge(ctx, purpose),
    userVerification: "required",
    allowCredentials: allowed.map(({ id, transports }) => ({ id, transports: transports as never })),
  });
  return { options: { ...options } };
}

/**
 * Whose passkey answered. The authenticator has verified its person (PIN, finger, face), so one passkey is two factors.
 * Throws AppError unauthenticated for an unknown key, a wrong signature or origin, and a challenge that is late, was
 * answered before, or was made for something else.
 */
export async function checkPasskey(ctx: Context, headers: Headers, purpose: string, response: Record<string, unknown>): Promise<string> {
  const refused = (cause?: unknown) => new AppError("unauthenticated", "This passkey was not accepted; try again", { cause });
  const { id: rpId, origin } = relyingParty(ctx, headers);
  const [key] = typeof response["id"] === "string" ? await ctx.db.select().from(passkeys).where(eq(passkeys.id, response["id"])) : [];
  if (key === undefined) throw refused();
  const { verifyAuthenticationResponse } = await webauthn();
  let challenge = "";
  const result = await verifyAuthenticationResponse({
    response: response as unknown as AuthenticationResponseJSON,
    expectedChallenge: (given) => isOwnChallenge(ctx, purpose, (challenge = given)),
    expectedOrigin: origin,
    expectedRPID: rpId,
    requireUserVerification: true,
    credential: { id: key.id, publicKey: new Uint8Array(key.publicKey), counter: key.counter, transports: key.transports },
  }).catch((cause: unknown) => {
    throw refused(cause);
  });
  if (!result.verified || !(await useChallenge(ctx, challenge))) throw refused();
  const { newCounter: counter, credentialBackedUp: backedUp } = result.authenticationInfo;
  await ctx.db
    .update(passkeys)
    .set({ counter, backedUp, lastUsedAt: new Date(ctx.clock.now()) })
    .where(eq(passkeys.id, key.id));
  return key.userId;
}
