import type { Feature } from "../../platform/feature.ts";

export const settings: Feature = { name: "settings" };
