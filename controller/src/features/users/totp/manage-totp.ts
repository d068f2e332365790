import { randomBytes } from "node:crypto";
import type { TotpKey } from "@devflow/api";
import { base32 } from "@better-auth/utils/base32";
import { AppError } from "@devflow/errors";
import { eq, isNull } from "drizzle-orm";
import type { Auth, Caller, Principal } from "../../../platform/auth/index.ts";
import type { Context } from "../../../platform/context.ts";
import { hasPassword } from "../factors.ts";
import { type Person, personOf } from "../person.ts";
import { recoveryCodes, totpFactors } from "../schema.ts";
import { tellOfChange } from "../tell-of-change.ts";
import { replaceRecoveryCodes } from "./recovery.ts";
import { hasTotp, sealName, useTotpCode } from "./use-totp-code.ts";

interface By {
  ctx: Context;
  auth: Auth;
  principal: Principal;
}

const secretBytes = 20;
const wrong = (field: string, message: string) => new AppError("invalid", message, { details: { fields: [{ path: field, message }] } });

/**
 * Begins to set an authenticator up: a new secret, of no effect until its first code comes. Throws AppError invalid for
 * a wrong password, conflict when there is one already.
 */
export async function beginTotp({
  ctx,
  auth,
  principal,
  input,
}: By & { input: { password?: string | undefined; caller: Caller } }): Promise<TotpKey> {
  const person = await personOf(ctx, principal);
  if (await hasPassword(ctx, person.id)) await demandPassword(auth, person, input.password ?? "", input.caller);
  const secret = randomBytes(secretBytes);
  const sealed = ctx.masterKey.wrap(sealName(person.id), secret);
  const made = await ctx.db
    .insert(totpFactors)
    .values({ userId: person.id, sealed })
    .onConflictDoUpdate({ target: totpFactors.userId, set: { sealed, lastStep: 0 }, setWhere: isNull(totpFactors.enabledAt) })
    .returning({ userId: totpFactors.userId });
  if (made.length === 0) throw new AppError("conflict", "An authenticator is set up already; remove it first");
  const key = base32.encode(secret, { padding: false });
  const label = encodeURIComponent(`DevFlow:${person.email}`);
  return { key, uri: `otpauth://totp/${label}?secret=${key}&issuer=DevFlow&algorithm=SHA1&digits=6&period=30` };
}

async function demandPassword(auth: Auth, person: Person, password: string, caller: Caller): Promise<void> {
  await auth.checkPassword(person.email, password, caller).catch((error: unknown) => {
    if (!(error instanceof AppError) || error.code !== "unauthenticated") throw error;
    throw wrong("password", "This is not your password");
  });
}

/** Turns the authenticator on by its first code; returns the recovery codes. Throws AppError invalid for a wrong code. */
export async function enableTotp({ ctx, auth, principal, input }: By & { input: { code: string; caller: Caller } }): Promise<string[]> {
  const person = await personOf(ctx, principal);
  await auth.attempt(`totp:${person.id}`, input.caller, async () => {
    if (await useTotpCode(ctx, person.id, input.code, false)) return;
    throw wrong("code", "This code is wrong; check the time of your device and enter the code that is shown now");
  });
  const codes = await ctx.db.transaction(async (tx) => {
    const enabledAt = new Date(ctx.clock.now());
    await tx.update(totpFactors).set({ enabledAt }).where(eq(totpFactors.userId, person.id));
    const made = await replaceRecoveryCodes(tx, ctx, person.id);
    await tellOfChange(tx, ctx, principal, person, {
      action: "users.enable-totp",
      event: { type: "user.factor-changed", data: { factor: "totp", added: true } },
      notice: "An authenticator was added to your account",
    });
    return made;
  });
  ctx.bus.emit("mail.queued", {});
  return codes;
}

/** Removes authenticator and recovery codes. Throws AppError conflict when there is none. */
export async function disableTotp({ ctx, principal }: Omit<By, "auth">): Promise<void> {
  const person = await personOf(ctx, principal);
  await ctx.db.transaction(async (tx) => {
    const removed = await tx.delete(totpFactors).where(eq(totpFactors.userId, person.id)).returning({ enabledAt: totpFactors.enabledAt });
    if (removed[0]?.enabledAt == null) throw new AppError("conflict", "No authenticator is set up");
    await tx.delete(recoveryCodes).where(eq(recoveryCodes.userId, person.id));
    await tellOfChange(tx, ctx, principal, person, {
      action: "users.disable-totp",
      event: { type: "user.factor-changed", data: { factor: "totp", added: false } },
      notice: "The authenticator was removed from your account",
    });
  });
  ctx.bus.emit("mail.queued", {});
}

/** New recovery codes in place of the old ones. Throws AppError conflict without an authenticator. */
export async function renewRecoveryCodes({ ctx, principal }: Omit<By, "auth">): Promise<string[]> {
  const person = await personOf(ctx, principal);
  if (!(await hasTotp(ctx, person.id))) throw new AppError("conflict", "Recovery codes stand in for an authenticator; set one up first");
  const codes = await ctx.db.transaction(async (tx) => {
    const made = await replaceRecoveryCodes(tx, ctx, person.id);
    await tellOfChange(tx, ctx, principal, person, {
      action: "users.renew-recovery-codes",
      event: { type: "user.factor-changed", data: { factor: "recovery codes", added: true } },
      notice: "Your account has new recovery codes",
    });
    return made;
  });
  ctx.bus.emit("mail.queued", {});
  return codes;
}
