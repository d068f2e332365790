import type { Feature } from "../../platform/feature.ts";
import { tokenRoutes } from "./routes.ts";
import { serviceAccountRoutes } from "./service-accounts/routes.ts";

export { createToken } from "./create-token.ts";
export { ensureBootstrapToken } from "./ensure-bootstrap-token.ts";
export { createTokenFinder, type TokenFinder } from "./find-token.ts";

export const tokens: Feature = {
  name: "tokens",
  routes(api, ctx) {
    tokenRoutes(api, ctx);
    serviceAccountRoutes(api, ctx);
  },
};
