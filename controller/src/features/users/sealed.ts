import type { Context } from "../../platform/context.ts";
import { createMasterKey } from "../../platform/crypto/index.ts";

const keyOf = (ctx: Pick<Context, "masterKey">) => createMasterKey(ctx.masterKey.derive("sealed tokens"));

/**
 * Something that the browser keeps for us for a while and can neither read nor change: so that strangers who begin a
 * sign-in write nothing here. Not used up by opening it.
 */
export function seal(ctx: Pick<Context, "masterKey" | "clock">, purpose: string, payload: object, validMs: number): string {
  const text = JSON.stringify({ payload, until: ctx.clock.now() + validMs });
  return keyOf(ctx).wrap(purpose, Buffer.from(text)).toString("base64url");
}

/** What was sealed for this purpose; null when it is not ours, was changed, or is over. */
export function unseal<T>(ctx: Pick<Context, "masterKey" | "clock">, purpose: string, token: string): T | null {
  let opened: { payload: T; until: number };
  try {
    opened = JSON.parse(keyOf(ctx).unwrap(purpose, Buffer.from(token, "base64url")).toString()) as typeof opened;
  } catch {
    return null; // made up, cut or of another installation: the same for whoever sent it
  }
  return opened.until > ctx.clock.now() ? opened.payload : null;
}
