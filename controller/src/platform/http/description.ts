import { z } from "zod";
import type { Context } from "../context.ts";
import { type Api, defineRoute } from "./index.ts";
import { openApiDocument } from "./openapi.ts";

/** /api/v1/openapi.json */
export function descriptionRoutes(api: Api, ctx: Context): void {
  const openApi = defineRoute({
    method: "get",
    path: "/api/v1/openapi.json",
    permission: "authenticated",
    tag: "operation",
    summary: "This description",
    response: z.looseObject({}),
  });
  let document: Promise<object> | undefined;
  api.route(openApi, async () => {
    document ??= openApiDocument(api.routes, ctx.config.publicUrl?.origin ?? `http://127.0.0.1:${ctx.config.port}`);
    return (await document) as Record<string, unknown>;
  });
}
