import { randomBytes } from "node:crypto";
import { AppError } from "@devflow/errors";
import type { Context } from "../context.ts";
import type { Sql } from "../db/index.ts";
import { createMasterKey, type MasterKey } from "./master-key.ts";
import { sealedForm, sealedVersion } from "./sealed-form.ts";

type KeyContext = Pick<Context, "sql" | "masterKey" | "clock">;

/** How long a controller goes on sealing with a key after another one was made; a rotation waits for longer than that. */
export const keyCachedMs = 30_000;
const maxCached = 2_000;
const keyBytes = 32;

interface Newest {
  readonly version: number;
  readonly readAtMs: number;
}
interface Cached {
  /** "ORGANIZATION:VERSION" → key. A version's key never changes. */
  readonly keys: Map<string, MasterKey>;
  readonly newest: Map<string, Newest>;
}

// Of a database and a master key, so that two controllers in one process do not share; weak, so that a test's context takes its keys with it.
const caches = new WeakMap<MasterKey, WeakMap<Sql, Cached>>();

function cacheOf({ masterKey, sql }: KeyContext): Cached {
  let ofKey = caches.get(masterKey);
  if (ofKey === undefined) caches.set(masterKey, (ofKey = new WeakMap()));
  let cache = ofKey.get(sql);
  if (cache === undefined) ofKey.set(sql, (cache = { keys: new Map(), newest: new Map() }));
  return cache;
}

/** Keeps a bounded map by dropping what was put in first. */
function keep<V>(map: Map<string, V>, name: string, value: V): V {
  map.delete(name);
  map.set(name, value);
  const oldest = map.size > maxCached ? map.keys().next().value : undefined;
  if (oldest !== undefined) map.delete(oldest);
  return value;
}

/**
 * Seals a secret of an organisation under its newest data key, which is made at the first use. Call it when the
 * organisation is committed; the result goes into a column that its feature names in `Feature.sealed`, or a key
 * rotation would leave it behind.
 * @param purpose associated data: opens under the same organisation and purpose only, for example "webhooks.secret:ID"
 */
export async function sealForOrganization(
  ctx: KeyContext,
  organizationId: string,
  purpose: string,
  plaintext: Uint8Array,
): Promise<Buffer> {
  const { version, key } = await newestKey(ctx, organizationId);
  return sealedForm(version, key.wrap(associatedData(organizationId, version, purpose), plaintext));
}

/**
 * Opens what sealForOrganization gave, under whichever of the organisation's keys sealed it.
 * Throws AppError internal when organisation, purpose or master key is another one or the bytes were changed.
 */
export async function openForOrganization(ctx: KeyContext, organizationId: string, purpose: string, sealed: Uint8Array): Promise<Buffer> {
  const { version, body } = sealedVersion(sealed);
  const key = await keyOf(ctx, organizationId, version);
  return key.unwrap(associatedData(organizationId, version, purpose), body);
}

export const associatedData = (organizationId: string, version: number, purpose: string): string =>
  `organization:${organizationId}:${version}:${purpose}`;

/** Under which data keys are wrapped by the master key. */
export const dataKeyName = (organizationId: string, version: number): string => `organization_keys:${organizationId}:${version}`;

async function newestKey(ctx: KeyContext, organizationId: string): Promise<{ version: number; key: MasterKey }> {
  const cache = cacheOf(ctx);
  const known = cache.newest.get(organizationId);
  if (known === undefined || Math.abs(ctx.clock.now() - known.readAtMs) > keyCachedMs) {
    const readAtMs = ctx.clock.now();
    const [row] = await ctx.sql<{ version: number }[]>`
      select max(version) as version from organization_keys where organization_id = ${organizationId} having max(version) is not null`;
    keep(cache.newest, organizationId, { version: row?.version ?? (await makeDataKey(ctx, organizationId, 1)), readAtMs });
  }
  const { version } = cache.newest.get(organizationId)!;
  return { version, key: await keyOf(ctx, organizationId, version) };
}

async function keyOf(ctx: KeyContext, organizationId: string, version: number): Promise<MasterKey> {
  const { keys } = cacheOf(ctx);
  const name = `${organizationId}:${version}`;
  const known = keys.get(name);
  if (known !== undefined) return known;
  const [row] = await ctx.sql<{ wrappedKey: Buffer }[]>`
    select wrapped_key as "wrappedKey" from organization_keys where organization_id = ${organizationId} and version = ${version}`;
  if (row === undefined) {
    throw new AppError(
      "internal",
      `Version ${version} of the data key of organisation ${organizationId} is not there, so what it sealed cannot be opened. Restore the table organization_keys together with the rest.`,
    );
  }
  return keep(keys, name, createMasterKey(ctx.masterKey.unwrap(dataKeyName(organizationId, version), row.wrappedKey)));
}

/** Makes a version of an organisation's data key unless somebody else did meanwhile. */
export async function makeDataKey(
  { sql, masterKey }: Pick<Context, "sql" | "masterKey">,
  organizationId: string,
  version: number,
): Promise<number> {
  const wrapped = masterKey.wrap(dataKeyName(organizationId, version), randomBytes(keyBytes));
  await sql`
    insert into organization_keys (organization_id, version, wrapped_key) values (${organizationId}, ${version}, ${wrapped})
    on conflict do nothing`;
  return version;
}
