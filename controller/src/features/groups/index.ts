import type { Feature } from "../../platform/feature.ts";
import { groupRoutes } from "./routes.ts";
import { tagRoutes } from "./tags/routes.ts";
import { viewRoutes } from "./views/routes.ts";

export { gainByMove, placeInGroup } from "./group-place.ts";
export { withinPartsSql } from "./within-parts.ts";

export const groups: Feature = {
  name: "groups",
  routes(api, ctx) {
    groupRoutes(api, ctx);
    tagRoutes(api, ctx);
    viewRoutes(api, ctx);
  },
};
