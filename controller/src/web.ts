import { ensureAdministrator, createSetupCode } from "./features/users/index.ts";
import { createTokenFinder, ensureBootstrapToken } from "./features/tokens/index.ts";
import { createRefusals, type Refusals } from "./platform/audit/refusals.ts";
import { assets } from "./platform/assets.ts";
import { createAuth } from "./platform/auth/index.ts";
import type { Context } from "./platform/context.ts";
import type { Feature } from "./platform/feature.ts";
import { createApi, type HttpApi } from "./platform/http/api.ts";
import { createLimits } from "./platform/limits/index.ts";
import { createStaticFiles } from "./platform/http/static-files.ts";
import { registerRoutes } from "./routes.ts";

/** The role "web" without its listener. */
export interface Web {
  readonly api: HttpApi;
  /** Code of the first administrator's link; null when there is a user. */
  readonly setupCode: string | null;
  readonly refusals: Refusals;
  close(): Promise<void>;
}

/**
 * Puts the HTTP side together: who may come in (first user, bootstrap token), the features' routes, the pages.
 * @param webFolder the built pages; default as the build lays them
 */
export async function createWeb(ctx: Context, features: readonly Feature[], webFolder: string = assets.web): Promise<Web> {
  const finder = createTokenFinder(ctx);
  const auth = createAuth(ctx, { findToken: (secret, { address }, beforeLookUp) => finder.find(secret, address, beforeLookUp) });
  if (await ensureAdministrator({ ctx, auth })) ctx.log.info({ scope: "users" }, "made the administrator of DEVFLOW_ADMIN_EMAIL");
  if (await ensureBootstrapToken({ ctx })) ctx.log.info({ scope: "tokens" }, "made the API token of DEVFLOW_BOOTSTRAP_TOKEN");
  const refusals = createRefusals(ctx);
  const limits = createLimits(ctx);
  const api = createApi(ctx, auth, { limits, onRefused: (principal, action) => refusals.note(principal, action) });
  registerRoutes(api, ctx, features);
  api.seal();
  const files = createStaticFiles(webFolder);
  api.fallback((path, headers) => {
    const file = files.answer(path, headers);
    if (file !== null)
      return new Response(file.status === 304 ? null : new Uint8Array(file.body), { status: file.status, headers: file.headers });
    return path === "/"
      ? new Response("The pages are not built: run npm run build, then reload.\n", {
          status: 503,
          headers: { "content-type": "text/plain" },
        })
      : null;
  });
  return {
    api,
    refusals,
    setupCode: await createSetupCode({ ctx }),
    close: async () => {
      limits.close();
      await refusals.close();
      await finder.close();
    },
  };
}
