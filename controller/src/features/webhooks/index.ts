import type { Feature } from "../../platform/feature.ts";

export const webhooks: Feature = { name: "webhooks" };
