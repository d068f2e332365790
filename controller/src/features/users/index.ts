import type { Feature } from "../../platform/feature.ts";
import { userRoutes } from "./routes.ts";

export { ensureAdministrator } from "./ensure-administrator.ts";
export { createSetupCode } from "./setup-code.ts";

export const users: Feature = { name: "users", routes: userRoutes };
