import { z } from "zod";
import { problem } from "@devflow/api";
import { plainPatterns } from "./plain-patterns.ts";
import type { RouteDefinition } from "./route.ts";
import { version } from "../version.ts";

const problemAnswer = (description: string) => ({ description, content: { "application/problem+json": { schema: problem } } });

/**
 * The OpenAPI 3.1 document of the registered routes. The generator is loaded when somebody asks, since most
 * controllers are never asked and it is 10 MB.
 * @param serverUrl origin of this controller
 */
export async function openApiDocument(routes: readonly RouteDefinition[], serverUrl: string): Promise<object> {
  const { OpenAPIHono } = await import("@hono/zod-openapi");
  const app = new OpenAPIHono();
  const registry = app.openAPIRegistry;
  registry.registerComponent("securitySchemes", "token", { type: "http", scheme: "bearer", description: "An API token" });
  registry.registerComponent("securitySchemes", "session", {
    type: "apiKey",
    in: "cookie",
    name: "devflow.session_token",
    description: "The cookie of POST /api/v1/session; named __Host-devflow.session_token on https",
  });
  for (const route of routes) {
    const open = route.permission === "public";
    const status = String(route.status ?? 200);
    registry.registerPath({
      method: route.method,
      path: route.path,
      operationId: operationId(route),
      tags: [route.tag],
      summary: route.summary,
      ...(route.deprecated === undefined ? {} : { deprecated: true }),
      description: open
        ? "Open to everybody."
        : route.permission === "authenticated"
          ? "For everybody with a session or token."
          : `Needs the permission "${route.permission}"${route.reads === undefined ? "" : ` and "${route.reads}"`}.`,
      security: open ? [] : [{ token: [] }, { session: [] }],
      request: {
        ...(route.params === undefined ? {} : { params: route.params }),
        ...(route.query === undefined ? {} : { query: route.query }),
        ...(route.method === "post" && !open && route.idempotent !== false
          ? { headers: z.object({ "Idempotency-Key": z.string().max(255).optional() }) }
          : {}),
        ...(route.body === undefined ? {} : { body: { required: true, content: { "application/json": { schema: route.body } } } }),
      },
      responses: {
        [status]:
          status === "204"
            ? { description: "Done" }
            : route.response === null
              ? { description: "As described", content: asText(route.mediaType ?? "text/plain") }
              : { description: "As asked", content: { "application/json": { schema: route.response } } },
        "4XX": problemAnswer("What is wrong with the request"),
        "5XX": problemAnswer("What is wrong with the controller"),
      },
    });
  }
  const document = app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "DevFlow",
      version,
      description: "Servers, their state and their metrics. Conventions: docs/api.md.",
      license: { name: "Apache-2.0", url: "https://www.apache.org/licenses/LICENSE-2.0" },
    },
    servers: [{ url: serverUrl }],
    tags: [...new Set(routes.map(({ tag }) => tag))].map((name) => ({ name })),
  });
  return plainPatterns(document);
}

const asText = (mediaType: string | readonly string[]) =>
  Object.fromEntries([mediaType].flat().map((type) => [type, { schema: z.string() }]));

/** "get /api/v1/servers/{id}/metrics" -> "getServersIdMetrics" */
function operationId({ method, path }: RouteDefinition): string {
  const words = path
    .replace("/api/v1", "")
    .split(/[^A-Za-z0-9]+/)
    .filter(Boolean);
  return method + words.map((word) => word[0]!.toUpperCase() + word.slice(1)).join("");
}
