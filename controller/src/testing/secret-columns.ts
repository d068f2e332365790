import { globSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { is } from "drizzle-orm";
import { getTableConfig, PgTable } from "drizzle-orm/pg-core";
import { sealedColumns } from "../sealed-columns.ts";

export interface SecretColumn {
  readonly table: string;
  readonly column: string;
  /** Expression that gives its value as text. */
  readonly asText: string;
}

const secretName = /sha256|hash|token|password|secret|sealed|wrapped|private|code|signature|_check$/;
const snake = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** Columns of every schema.ts whose type or name says that they may hold something secret, sealed or hashed. */
export async function secretColumns(): Promise<SecretColumn[]> {
  const sealed = new Set(sealedColumns.map(({ table, column }) => `${table}.${column}`));
  const folder = fileURLToPath(new URL("..", import.meta.url));
  const modules = await Promise.all(
    globSync("**/schema.ts", { cwd: folder }).map((name) => import(/* @vite-ignore */ folder + name) as Promise<Record<string, unknown>>),
  );
  const tables = new Set(modules.flatMap((module) => Object.values(module)).filter((value): value is PgTable => is(value, PgTable)));
  return [...tables].flatMap((table) => {
    const { name, columns } = getTableConfig(table);
    return columns.flatMap((column): SecretColumn[] => {
      const at = snake(column.name);
      const type = column.getSQLType();
      const isSecret = type === "bytea" || sealed.has(`${name}.${at}`) || (type === "text" && secretName.test(at));
      const asText = type === "bytea" ? `encode("${at}", 'base64')` : type === "jsonb" ? `"${at}" #>> '{}'` : `"${at}"::text`;
      return isSecret ? [{ table: name, column: at, asText }] : [];
    });
  });
}
