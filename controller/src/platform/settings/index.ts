import { eq, sql } from "drizzle-orm";
import type { z } from "zod";
import type { Context } from "../context.ts";
import type { Database } from "../db/index.ts";
import { settings } from "./schema.ts";

/** A setting of the installation; secrets by name, opened. */
export interface Setting<T> {
  readonly value: T;
  readonly secrets: Readonly<Record<string, string>>;
}

/** Under which a setting's secrets are wrapped by the master key. */
export const sealName = (key: string) => `settings:${key}`;

/**
 * A setting as it is stored; null when it was never set or this version does not understand it any more.
 * @param key "mail", "oidc", "security", …
 */
export async function readSetting<S extends z.ZodType>(
  ctx: Pick<Context, "masterKey"> & { readonly db: Pick<Database, "select"> },
  key: string,
  schema: S,
): Promise<Setting<z.output<S>> | null> {
  const [row] = await ctx.db.select().from(settings).where(eq(settings.key, key));
  if (row === undefined) return null;
  const parsed = schema.safeParse(row.value);
  if (!parsed.success) return null;
  const secrets =
    row.sealed === null ? {} : (JSON.parse(ctx.masterKey.unwrap(sealName(key), row.sealed).toString()) as Record<string, string>);
  return { value: parsed.data, secrets };
}

/** Stores a setting in the caller's transaction; secrets wrapped by the master key. */
export async function writeSetting(
  tx: Pick<Database, "insert">,
  ctx: Pick<Context, "masterKey" | "clock">,
  key: string,
  value: object,
  secrets: Readonly<Record<string, string>> = {},
): Promise<void> {
  const sealed = Object.keys(secrets).length === 0 ? null : ctx.masterKey.wrap(sealName(key), Buffer.from(JSON.stringify(secrets)));
  const updatedAt = new Date(ctx.clock.now());
  await tx
    .insert(settings)
    .values({ key, value, sealed, updatedAt })
    .onConflictDoUpdate({ target: settings.key, set: { value, sealed, updatedAt } });
}

/** Stores some fields of a setting in the caller's transaction and leaves its others, in one statement: two may do so at once. */
export async function mergeSetting(tx: Pick<Database, "insert">, ctx: Pick<Context, "clock">, key: string, fields: object): Promise<void> {
  const updatedAt = new Date(ctx.clock.now());
  await tx
    .insert(settings)
    .values({ key, value: fields, updatedAt })
    .onConflictDoUpdate({ target: settings.key, set: { value: sql`${settings.value} || excluded.value`, updatedAt } });
}

export async function deleteSetting(tx: Pick<Database, "delete">, key: string): Promise<void> {
  await tx.delete(settings).where(eq(settings.key, key));
}
