import { securitySettings } from "@devflow/api";
import { AppError } from "@devflow/errors";
import type { Context } from "../../../platform/context.ts";
import { readSetting } from "../../../platform/settings/index.ts";
import { breachCount } from "./breach-count.ts";
import { weakness } from "./rules.ts";

interface NewPassword {
  readonly password: string;
  /** Of the request's body, for the message. */
  readonly field: string;
  readonly person: { readonly name: string; readonly email: string };
}

/**
 * Refuses passwords that are guessed first, and, where the administrator turned it on, those of known breaches. A list
 * that does not answer lets the password through: nobody shall be kept from changing one. Throws AppError invalid.
 */
export async function checkNewPassword({ ctx, input: { password, field, person } }: { ctx: Context; input: NewPassword }): Promise<void> {
  const refuse = (why: string) =>
    new AppError("invalid", `This password is too easy to guess: ${why}; choose another one`, {
      details: { fields: [{ path: field, message: `too easy to guess: ${why}` }] },
    });
  const weak = weakness(password, person);
  if (weak !== null) throw refuse(weak);
  if ((await readSetting(ctx, "security", securitySettings))?.value.checkBreachedPasswords !== true) return;
  try {
    if ((await breachCount(ctx.config.breachedPasswordsUrl, password)) > 0) throw refuse("it is in a list of stolen passwords");
  } catch (error) {
    if (error instanceof AppError) throw error;
    ctx.log.warn({ scope: "users", err: error }, "the list of stolen passwords did not answer; a new password was not compared with it");
  }
}
