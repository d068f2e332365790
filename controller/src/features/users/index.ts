import type { Feature } from "../../platform/feature.ts";
import { administrationRoutes } from "./administration/routes.ts";
import { factorRoutes } from "./factor-routes.ts";
import { accountRoutes } from "./account-routes.ts";
import { userRoutes } from "./routes.ts";
import { sealName } from "./totp/use-totp-code.ts";

export { checkNewPassword } from "./passwords/check-new-password.ts";
export { beginSession } from "./sign-in.ts";
export { ensureAdministrator } from "./ensure-administrator.ts";
export { askClient, discover, redirectUri } from "./oidc/provider.ts";
export { createSetupCode } from "./setup-code.ts";

export const users: Feature = {
  name: "users",
  sealed: [{ table: "totp_factors", column: "sealed", key: ["user_id"], by: "master", purpose: sealName }],
  routes(api, ctx) {
    userRoutes(api, ctx);
    factorRoutes(api, ctx);
    accountRoutes(api, ctx);
    administrationRoutes(api, ctx);
  },
};
