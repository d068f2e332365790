import type { Passkey } from "@devflow/api";
import { AppError } from "@devflow/errors";
import type { RegistrationResponseJSON } from "@simplewebauthn/server";
import { and, eq } from "drizzle-orm";
import type { Principal } from "../../../platform/auth/index.ts";
import type { Context } from "../../../platform/context.ts";
import { demandOtherWayIn, toPasskey } from "../factors.ts";
import { ownerOf, personOf } from "../person.ts";
import { passkeys } from "../schema.ts";
import { tellOfChange } from "../tell-of-change.ts";
import { isOwnChallenge, newChallenge, useChallenge } from "./challenge.ts";
import { relyingParty } from "./relying-party.ts";
import { webauthn } from "./webauthn.ts";

interface By {
  ctx: Context;
  principal: Principal;
}

const atMost = 50;
const purposeOf = (userId: string) => `register:${userId}`;

/** What the browser is to make a passkey from. Throws AppError conflict where browsers have none. */
export async function registrationOptions({ ctx, principal, input: { headers } }: By & { input: { headers: Headers } }) {
  const person = await personOf(ctx, principal);
  const { id: rpID } = relyingParty(ctx, headers);
  const present = await ctx.db.select().from(passkeys).where(eq(passkeys.userId, person.id));
  if (present.length >= atMost) throw new AppError("conflict", `There are ${atMost} passkeys already; remove one first`);
  const { generateRegistrationOptions } = await webauthn();
  const options = await generateRegistrationOptions({
    rpName: "DevFlow",
    rpID,
    userName: person.email,
    userDisplayName: person.name,
    userID: new Uint8Array(Buffer.from(person.id)),
    challenge: newChallenge(ctx, purposeOf(person.id)),
    attestationType: "none",
    excludeCredentials: present.map(({ id, transports }) => ({ id, transports: transports as never })),
    // Found without an e-mail address, and only after it has verified its person.
    authenticatorSelection: { residentKey: "required", userVerification: "required" },
  });
  return { options: { ...options } };
}

/** Keeps a new passkey. Throws AppError invalid for an answer that does not fit, conflict for a key that is somebody's. */
export async function createPasskey({
  ctx,
  principal,
  input: { headers, name, response },
}: By & { input: { headers: Headers; name: string; response: Record<string, unknown> } }): Promise<Passkey> {
  const person = await personOf(ctx, principal);
  const { id: expectedRPID, origin: expectedOrigin } = relyingParty(ctx, headers);
  const refused = (cause?: unknown) => new AppError("invalid", "The browser's passkey was not accepted; try again", { cause });
  const { verifyRegistrationResponse } = await webauthn();
  let challenge = "";
  const result = await verifyRegistrationResponse({
    response: response as unknown as RegistrationResponseJSON,
    expectedChallenge: (given) => isOwnChallenge(ctx, purposeOf(person.id), (challenge = given)),
    expectedOrigin,
    expectedRPID,
    requireUserVerification: true,
  }).catch((cause: unknown) => {
    throw refused(cause);
  });
  if (!result.verified || !(await useChallenge(ctx, challenge))) throw refused();
  const { credential, credentialBackedUp } = result.registrationInfo;
  const made = await ctx.db.transaction(async (tx) => {
    const [row] = await tx
      .insert(passkeys)
      .values({
        id: credential.id,
        userId: person.id,
        name,
        publicKey: Buffer.from(credential.publicKey),
        counter: credential.counter,
        transports: credential.transports ?? [],
        backedUp: credentialBackedUp,
      })
      .onConflictDoNothing()
      .returning();
    if (row === undefined) throw new AppError("conflict", "This passkey is registered already");
    await tellOfChange(tx, ctx, principal, person, {
      action: "users.add-passkey",
      event: { type: "user.factor-changed", data: { factor: "passkey", added: true } },
      after: { name },
      notice: "A passkey was added to your account",
    });
    return row;
  });
  ctx.bus.emit("mail.queued", {});
  return toPasskey(made);
}

const notFound = () => new AppError("not_found", "You have no passkey with this id");

export async function renamePasskey({
  ctx,
  principal,
  input: { id, name },
}: By & { input: { id: string; name: string } }): Promise<Passkey> {
  const own = and(eq(passkeys.id, id), eq(passkeys.userId, ownerOf(principal)));
  return ctx.db.transaction(async (tx) => {
    const [before] = await tx.select({ name: passkeys.name }).from(passkeys).where(own);
    const [row] = await tx.update(passkeys).set({ name }).where(own).returning();
    if (row === undefined || before === undefined) throw notFound();
    const person = await personOf(ctx, principal);
    await tellOfChange(tx, ctx, principal, person, { action: "users.rename-passkey", before, after: { name }, notice: null });
    return toPasskey(row);
  });
}

export async function removePasskey({ ctx, principal, input: { id } }: By & { input: { id: string } }): Promise<void> {
  const own = and(eq(passkeys.id, id), eq(passkeys.userId, ownerOf(principal)));
  await ctx.db.transaction(async (tx) => {
    const [row] = await tx.delete(passkeys).where(own).returning();
    if (row === undefined) throw notFound();
    await demandOtherWayIn(tx, row.userId);
    await tellOfChange(tx, ctx, principal, await personOf(ctx, principal), {
      action: "users.remove-passkey",
      event: { type: "user.factor-changed", data: { factor: "passkey", added: false } },
      before: { name: row.name },
      notice: `The passkey “${row.name}” was removed from your account`,
    });
  });
  ctx.bus.emit("mail.queued", {});
}
