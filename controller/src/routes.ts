import type { Context } from "./platform/context.ts";
import type { Feature } from "./platform/feature.ts";
import { descriptionRoutes } from "./platform/http/description.ts";
import { healthRoutes } from "./platform/http/health.ts";
import type { Api } from "./platform/http/index.ts";
import { metricsRoute } from "./platform/http/metrics-route.ts";
import { wellKnownFiles } from "./platform/http/well-known.ts";

/** Every route and live topic of the role "web": what the OpenAPI document, its types and the permission tests are made from. */
export function registerRoutes(api: Api, ctx: Context, features: readonly Feature[]): void {
  healthRoutes(api, ctx);
  descriptionRoutes(api, ctx);
  metricsRoute(api);
  wellKnownFiles(api, ctx);
  for (const feature of features) feature.routes?.(api, ctx);
}
