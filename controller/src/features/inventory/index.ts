import type { Feature } from "../../platform/feature.ts";
import { inventoryRoutes } from "./routes.ts";

export { storeInventory } from "./store-inventory.ts";

export const inventory: Feature = { name: "inventory", routes: inventoryRoutes };
