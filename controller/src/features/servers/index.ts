import type { Feature } from "../../platform/feature.ts";
import { sessionService } from "./agent.ts";
import { serverRoutes } from "./routes.ts";

export { serverScope } from "./server-scope.ts";

export const servers: Feature = { name: "servers", routes: serverRoutes, gateway: (gateway, ctx) => sessionService(gateway, ctx) };
