import { tmpdir } from "node:os";
import { readConfig } from "./config.ts";
import { features } from "./features.ts";
import type { Auth } from "./platform/auth/index.ts";
import { createBus } from "./platform/bus/index.ts";
import type { Context } from "./platform/context.ts";
import { createMasterKey } from "./platform/crypto/index.ts";
import { createClient, createDrizzle } from "./platform/db/index.ts";
import { createApi } from "./platform/http/api.ts";
import type { Api } from "./platform/http/index.ts";
import { openApiDocument } from "./platform/http/openapi.ts";
import { createLog } from "./platform/log/index.ts";
import { registerRoutes } from "./routes.ts";

/** All routes and live topics without starting anything: they are registered and none is called, so the database client never connects. */
export function describedApi(): Pick<Api, "routes" | "topics"> {
  const sql = createClient({ url: "postgres://nobody@127.0.0.1:1/none" });
  const ctx: Context = {
    config: readConfig({ DEVFLOW_DATA_DIR: tmpdir() }),
    log: createLog("error"),
    sql,
    db: createDrizzle(sql),
    bus: createBus((error) => {
      throw error;
    }),
    masterKey: createMasterKey(new Uint8Array(32)),
    installation: {} as Context["installation"],
    clock: { now: () => Date.now() },
  };
  const api = createApi(ctx, {} as Auth);
  registerRoutes(api, ctx, features);
  return api;
}

/**
 * The OpenAPI document of all routes. Leaves timers of features behind; end the process afterwards.
 * @param serverUrl origin that the document names
 */
export function describeApi(serverUrl: string): Promise<object> {
  return openApiDocument(describedApi().routes, serverUrl);
}
