import type { Feature } from "../../platform/feature.ts";
import { grantRoutes } from "./grants/routes.ts";
import { invitationRoutes } from "./invitations/routes.ts";
import { organizationRoutes } from "./life/routes.ts";
import { organizationSettingRoutes } from "./life/settings.ts";
import { organizationJobs } from "./jobs.ts";
import { memberRoutes } from "./members/routes.ts";
import { roleRoutes } from "./roles/routes.ts";
import { teamRoutes } from "./teams/routes.ts";

export { givesMore, lockOrganization, refuseMore, standsAbove } from "./grants/lock-organization.ts";
export { resolveGrants, type ResolvedGrant, told } from "./grants/resolve.ts";
export { mayChange } from "./grants/rules.ts";
export { insertGrants, setGrants, type SetGrantsInput } from "./grants/set-grants.ts";
export { grantView, heldBy, storedGrants, type StoredGrant } from "./grants/stored.ts";
export { behind, tellRevoked } from "./grants/tell-revoked.ts";

export const organizations: Feature = {
  name: "organizations",
  jobs: organizationJobs,
  routes(api, ctx) {
    organizationRoutes(api, ctx);
    organizationSettingRoutes(api, ctx);
    memberRoutes(api, ctx);
    grantRoutes(api, ctx);
    teamRoutes(api, ctx);
    roleRoutes(api, ctx);
    invitationRoutes(api, ctx);
  },
};
