// A rotation in a process of its own, so that a test can kill it: node rotate.testkit.ts '{"target": …, "key": "base64"}'
import { sealedColumns } from "../../sealed-columns.ts";
import type { DatabaseTarget } from "../db/index.ts";
import { createMasterKey, rotateOrganizationKeys } from "./index.ts";

const { target, key } = JSON.parse(process.argv[2]!) as { target: DatabaseTarget; key: string };
await rotateOrganizationKeys({
  target,
  masterKey: createMasterKey(Buffer.from(key, "base64")),
  columns: sealedColumns,
  graceMs: 0,
  batch: 5,
});
