import { features } from "./features.ts";
import { platformSealedColumns } from "./platform/crypto/own-sealed-columns.ts";
import type { SealedColumn } from "./platform/crypto/index.ts";

/** Every column of the database that holds sealed secrets. */
export const sealedColumns: readonly SealedColumn[] = [...platformSealedColumns, ...features.flatMap(({ sealed }) => sealed ?? [])];
