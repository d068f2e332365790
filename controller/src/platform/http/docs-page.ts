import { z } from "zod";
import { version } from "../version.ts";
import type { RouteDefinition } from "./route.ts";

const escape = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");

const style = `:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}nav a{margin-right:.8rem;text-transform:capitalize}code{overflow-wrap:anywhere}
:target{outline:2px solid #58a6ff;outline-offset:4px}
code,pre{font:13px/1.5 ui-monospace,monospace}pre{overflow:auto;padding:.75rem;border:1px solid #8886;border-radius:6px}
details{border-top:1px solid #8884;padding:.4rem 0}summary{cursor:pointer}summary b{display:inline-block;width:4.5rem;text-transform:uppercase;font-size:12px}
small{opacity:.7}h2{margin-top:2rem;text-transform:capitalize}`;

/** The one style element of the page, by its hash, and nothing else: the page runs no script and loads nothing. */
export const docsPolicy = async (): Promise<string> => {
  const hash = Buffer.from(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(style))).toString("base64");
  return `default-src 'none'; style-src 'sha256-${hash}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'`;
};

const schemaBlock = (title: string, schema: z.ZodType | null | undefined, io: "input" | "output") =>
  schema === undefined || schema === null
    ? ""
    : `<p>${title}</p><pre>${escape(JSON.stringify({ ...z.toJSONSchema(schema, { io, unrepresentable: "any" }), $schema: undefined }, null, 1))}</pre>`;

/** A line to paste; the token stays a variable. */
function curlOf(route: RouteDefinition): string {
  const how = route.method === "get" ? "" : ` -X ${route.method.toUpperCase()}`;
  const body = route.body === undefined ? "" : ` -H 'Content-Type: application/json' -d '{…}'`;
  const who = route.permission === "public" ? "" : ' -H "Authorization: Bearer $DEVFLOW_TOKEN"';
  return `curl -fsS${how}${who}${body} "$DEVFLOW_URL${route.path}"`;
}

const anchorOf = (route: RouteDefinition) => `${route.method}${route.path.replaceAll(/[^A-Za-z0-9]+/g, "-")}`.replace(/-$/, "");

function routeBlock(route: RouteDefinition): string {
  const needs =
    route.permission === "public"
      ? "open to everybody"
      : route.permission === "authenticated"
        ? "everybody signed in"
        : `permission ${route.permission}`;
  return `<details id="${anchorOf(route)}"><summary><b>${route.method}</b> <code>${escape(route.path)}</code> <small>${escape(route.summary)} · ${needs}</small></summary>
<pre>${escape(curlOf(route))}</pre><p><a href="#${anchorOf(route)}">Link to this</a></p>
${schemaBlock("Path", route.params, "input")}${schemaBlock("Query", route.query, "input")}${schemaBlock("Body", route.body, "input")}${schemaBlock(`Answer ${route.status ?? 200}`, route.response, "output")}</details>`;
}

/** The registered routes for people: one page without scripts, made from the same schemas that check the requests. */
export function docsPage(routes: readonly RouteDefinition[]): string {
  const tags = [...new Set(routes.map(({ tag }) => tag))].toSorted((a, b) => (a < b ? -1 : 1));
  const sections = tags.map(
    (tag) =>
      `<h2 id="${escape(tag)}">${escape(tag)}</h2>${routes
        .filter((route) => route.tag === tag)
        .map(routeBlock)
        .join("\n")}`,
  );
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>DevFlow API</title><style>${style}</style></head>
<body><h1>DevFlow API</h1><p>Version ${escape(version)}. For programs: <a href="/api/v1/openapi.json">openapi.json</a>. Send <code>Authorization: Bearer TOKEN</code>.</p><nav aria-label="Parts">${tags.map((tag) => `<a href="#${escape(tag)}">${escape(tag)}</a>`).join(" ")}</nav>${sections.join("\n")}</body></html>`;
}
