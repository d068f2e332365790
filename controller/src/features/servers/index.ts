import type { Feature } from "../../platform/feature.ts";
import { serverRoutes } from "./routes.ts";

export { serverScope } from "./server-scope.ts";

export const servers: Feature = { name: "servers", routes: serverRoutes };
