import type { Feature } from "../../platform/feature.ts";
import { secretPurpose } from "./secret-purpose.ts";

export const webhooks: Feature = {
  name: "webhooks",
  sealed: (["sealed_secret", "sealed_previous_secret"] as const).map((column) => ({
    table: "webhooks",
    column,
    key: ["id"],
    by: "organization",
    purpose: secretPurpose,
  })),
};
