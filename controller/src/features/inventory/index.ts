import type { Feature } from "../../platform/feature.ts";
import { inventoryRoutes } from "./routes.ts";

export const inventory: Feature = { name: "inventory", routes: inventoryRoutes };
