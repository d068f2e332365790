import { sealName } from "../settings/index.ts";
import type { SealedColumn } from "./sealed-columns.ts";

/** Sealed columns of the platform's own tables; those of features stand in their `sealed`. */
export const platformSealedColumns: readonly SealedColumn[] = [
  {
    table: "organization_keys",
    column: "wrapped_key",
    key: ["organization_id", "version"],
    by: "master",
    purpose: (organizationId, version) => `organization_keys:${organizationId}:${version}`,
  },
  { table: "settings", column: "sealed", key: ["key"], by: "master", purpose: sealName },
  { table: "mails", column: "sealed", key: ["id"], by: "master", purpose: () => "mail" },
  {
    table: "idempotency_keys",
    column: "body",
    key: ["organization_id", "principal", "key"],
    by: "master",
    purpose: (organizationId, principal, key) => `idempotency:${organizationId}:${principal}:${key}`,
    stored: "base64-json",
  },
];
