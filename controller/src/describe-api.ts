import { tmpdir } from "node:os";
import { readConfig } from "./config.ts";
import { features } from "./features.ts";
import type { Auth } from "./platform/auth/index.ts";
import { createBus } from "./platform/bus/index.ts";
import type { Context } from "./platform/context.ts";
import { createMasterKey } from "./platform/crypto/index.ts";
import { createClient, createDrizzle } from "./platform/db/index.ts";
import { createApi } from "./platform/http/api.ts";
import { openApiDocument } from "./platform/http/openapi.ts";
import { createLog } from "./platform/log/index.ts";
import { registerRoutes } from "./routes.ts";

/**
 * The OpenAPI document of all routes without starting anything: routes are registered and none is called, so the
 * database client never connects. Leaves timers of features behind; end the process afterwards.
 * @param serverUrl origin that the document names
 */
export async function describeApi(serverUrl: string): Promise<object> {
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
  return openApiDocument(api.routes, serverUrl);
}
