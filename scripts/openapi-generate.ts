// npm run openapi:generate: docs/openapi.json from the controller's routes, the client's types from that, docs/permissions.md, and the
// table of codes in docs/api.md.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import openapiTS, { astToString } from "openapi-typescript";
import { type ErrorCode, errorCodes } from "@devflow/errors";
import { errorMeanings } from "@devflow/errors/meanings";
import { describeApi, describedApi } from "../controller/src/describe-api.ts";
import { root } from "./build-state.mjs";
import { permissionsPage } from "./permissions-docs.ts";

interface OpenApiDocument {
  paths: Record<string, { post?: { parameters?: { name: string }[] } }>;
  tags: { name: string }[];
  components: { schemas: Record<string, { type?: unknown }> };
}

const note = "// Made from docs/openapi.json by npm run openapi:generate; changes here are lost.\n";

const byName = <T>(record: Record<string, T>) => Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));

/** Generated file, relative to the root → its text. In the order of names, so that two branches that add routes seldom meet. */
export async function generateOpenApi(): Promise<Record<string, string>> {
  const document = (await describeApi("http://127.0.0.1:8080")) as OpenApiDocument;
  document.paths = byName(document.paths);
  document.components.schemas = byName(document.components.schemas);
  document.tags.sort((a, b) => (a.name < b.name ? -1 : 1));
  const nullable = Object.entries(document.components.schemas).filter(([, { type }]) => Array.isArray(type) && type.includes("null"));
  if (nullable.length > 0)
    throw new Error(`${nullable.map(([name]) => name).join(", ")}: write orNull(schema) where it may be null, not schema.nullable()`);
  const keyless = Object.entries(document.paths)
    .filter(([, { post }]) => post !== undefined && post.parameters?.some(({ name }) => name === "Idempotency-Key") !== true)
    .map(([path]) => `  ${JSON.stringify(path)},\n`);
  const types = astToString(await openapiTS(JSON.stringify(document), { alphabetize: true }));
  const { routes, topics } = describedApi();
  return {
    "docs/permissions.md": permissionsPage(routes, topics),
    "docs/api.md": withCodes(readFileSync(join(root, "docs/api.md"), "utf8")),
    "docs/openapi.json": `${JSON.stringify(document, null, 2)}\n`,
    "packages/client/src/gen/schema.ts": `${note}${types}`,
    "packages/client/src/gen/keyless.ts": `${note}/** POSTs that keep no Idempotency-Key: what is sent twice happens twice. */
export const keylessPosts: ReadonlySet<string> = new Set([\n${keyless.join("")}]);\n`,
  };
}

const codesBegin = "<!-- codes: made by npm run openapi:generate -->";
const codesEnd = "<!-- /codes -->";

/** docs/api.md with its table of codes made from packages/errors. Throws Error when the markers are missing. */
function withCodes(text: string): string {
  const from = text.indexOf(codesBegin);
  const to = text.indexOf(codesEnd);
  if (from === -1 || to < from) throw new Error(`expected ${codesBegin} and ${codesEnd} in docs/api.md`);
  const rows = (Object.keys(errorCodes) as ErrorCode[])
    .toSorted((a, b) => errorCodes[a].http - errorCodes[b].http)
    .map((code) => `| ${errorCodes[code].http} | \`${code}\` | ${errorMeanings[code].when} | ${errorMeanings[code].remedy} |`);
  const table = ["| status | code | when | what to do |", "|---|---|---|---|", ...rows].join("\n");
  return `${text.slice(0, from)}${codesBegin}\n\n${table}\n\n${text.slice(to)}`;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const folder = process.argv[2] ?? root;
  for (const [name, text] of Object.entries(await generateOpenApi())) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  // Features may have started timers while they registered their routes.
  process.exit(0);
}
