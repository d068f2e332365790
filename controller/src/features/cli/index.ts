import type { Feature } from "../../platform/feature.ts";
import { cliRoutes } from "./routes.ts";

export const cli: Feature = { name: "cli", routes: cliRoutes };
