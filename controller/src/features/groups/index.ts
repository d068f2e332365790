import type { Feature } from "../../platform/feature.ts";

export const groups: Feature = { name: "groups" };
