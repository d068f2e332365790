import type { Feature } from "../../platform/feature.ts";
import { groupScope } from "./group-scope.ts";

export const groups: Feature = {
  name: "groups",
  routes: (api, ctx) => api.scope("group", (groupId) => groupScope(ctx, groupId)),
};
