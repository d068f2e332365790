import type { Feature } from "../../platform/feature.ts";

export const organizations: Feature = { name: "organizations" };
