import type { Permission } from "@devflow/api";

/** As in @devflow/api, whose schemas would cost each start 20 ms. */
export const permissions = ["view", "deploy", "edit", "admin", "owner"] as const satisfies readonly Permission[];
