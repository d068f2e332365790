import { z } from "zod";
import type { Context } from "../context.ts";
import type { Database, Sql } from "../db/index.ts";
import { readSetting, sealName } from "../settings/index.ts";
import type { MasterKey } from "./master-key.ts";

/** Purposes whose derived key has to stay when the master key changes, since what was made with it cannot be made again. */
const lastingPurposes = ["recovery codes"] as const;
type LastingPurpose = (typeof lastingPurposes)[number];

const setting = "keys.lasting";

/** 32 bytes for a purpose, the same for as long as the database lives: what masterKey.derive() gave under the first master key. */
export async function lastingKey(
  ctx: Pick<Context, "masterKey"> & { readonly db: Pick<Database, "select"> },
  purpose: LastingPurpose,
): Promise<Buffer> {
  const kept = (await readSetting(ctx, setting, z.object({})))?.secrets[purpose];
  return kept === undefined ? ctx.masterKey.derive(purpose) : Buffer.from(kept, "base64");
}

/** Keeps the lasting keys when master key `from` gives way to `to`. */
export async function keepLastingKeys(tx: Sql, from: MasterKey, to: MasterKey): Promise<void> {
  const [row] = await tx<{ sealed: Buffer | null }[]>`select sealed from settings where key = ${setting}`;
  const before = row?.sealed ? (JSON.parse(from.unwrap(sealName(setting), row.sealed).toString()) as Record<string, string>) : {};
  const kept = Object.fromEntries(lastingPurposes.map((purpose) => [purpose, before[purpose] ?? from.derive(purpose).toString("base64")]));
  const sealed = to.wrap(sealName(setting), Buffer.from(JSON.stringify(kept)));
  await tx`
    insert into settings (key, value, sealed) values (${setting}, '{}', ${sealed})
    on conflict (key) do update set sealed = excluded.sealed, updated_at = now()`;
}
