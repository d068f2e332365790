import type { Feature } from "../../platform/feature.ts";
import { serverRoutes } from "./routes.ts";

export { type Reach, serverReach, withinReachSql } from "./within-reach.ts";

export const servers: Feature = { name: "servers", routes: serverRoutes };
