// node scripts/metrics-docs.ts: writes the tables of measures in docs/features/metrics.md anew from packages/catalogue.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Family, families, type Measure } from "@devflow/catalogue";

const root = new URL("..", import.meta.url).pathname;
export const page = join(root, "docs/features/metrics.md");

const begin = "<!-- measures: made by scripts/metrics-docs.ts -->";
const end = "<!-- /measures -->";

const row = (m: Measure): string =>
  `| \`${m.name}\` | ${m.unit.replaceAll("_", " ")} | ${m.step} | ${m.max ? "mean, maximum" : "mean"} | ${m.help} |`;

const table = (family: Family): string =>
  [
    `### ${family.name}`,
    "",
    family.instance === "host" ? "One row a server." : `One row a ${family.instance}.`,
    "",
    "| measure | unit | step | kept | what and where |",
    "|---|---|---|---|---|",
    ...family.measures.map(row),
  ].join("\n");

/** The page with its tables made from the catalogue. Throws Error when the markers are missing. */
export function withMeasures(text: string): string {
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from === -1 || to < from) throw new Error(`expected ${begin} and ${end} in ${page}`);
  return `${text.slice(0, from)}${begin}\n\n${families.map(table).join("\n\n")}\n\n${text.slice(to)}`;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  writeFileSync(page, withMeasures(readFileSync(page, "utf8")));
}
