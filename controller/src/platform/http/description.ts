import { z } from "zod";
import type { Context } from "../context.ts";
import { docsPage, docsPolicy } from "./docs-page.ts";
import { type Api, defineRoute, Reply } from "./index.ts";
import { openApiDocument } from "./openapi.ts";

/** /api/v1/openapi.json for programs and /api/docs for people. */
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

  const docs = defineRoute({
    method: "get",
    path: "/api/docs",
    permission: "authenticated",
    tag: "operation",
    summary: "This description for people",
    response: null,
    mediaType: "text/html",
  });
  api.route(docs, async () => {
    return new Reply(docsPage(api.routes), [
      ["content-type", "text/html; charset=utf-8"],
      ["content-security-policy", await docsPolicy()],
    ]);
  });
}
