import type { Feature } from "../../platform/feature.ts";
import { serverRoutes } from "./routes.ts";

export const servers: Feature = { name: "servers", routes: serverRoutes };
