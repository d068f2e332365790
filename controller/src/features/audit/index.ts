import type { Feature } from "../../platform/feature.ts";

export const audit: Feature = { name: "audit" };
