// node scripts/events-docs.ts: writes the table of event types in docs/features/events.md anew from packages/api.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { eventTypes } from "@devflow/api";

const root = new URL("..", import.meta.url).pathname;
export const page = join(root, "docs/features/events.md");

const begin = "<!-- types: made by scripts/events-docs.ts -->";
const end = "<!-- /types -->";

const rows = Object.entries(eventTypes).map(([type, { meaning, data }]) => {
  const fields = Object.keys(data.shape).map((name) => `\`${name}\``);
  return `| \`${type}\` | ${meaning} | ${fields.join(", ") || "–"} |`;
});

/** The page with its table made from the types. Throws Error when the markers are missing. */
export function withTypes(text: string): string {
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from === -1 || to < from) throw new Error(`expected ${begin} and ${end} in ${page}`);
  const table = ["| type | what happened | data |", "|---|---|---|", ...rows].join("\n");
  return `${text.slice(0, from)}${begin}\n\n${table}\n\n${text.slice(to)}`;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  writeFileSync(page, withTypes(readFileSync(page, "utf8")));
}
