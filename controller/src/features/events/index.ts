import type { Feature } from "../../platform/feature.ts";

export const events: Feature = { name: "events" };
