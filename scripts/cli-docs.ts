// node scripts/cli-docs.ts: writes the table of commands in docs/features/cli.md anew from the commands themselves.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describeCommands } from "../packages/cli/src/describe.ts";

const root = new URL("..", import.meta.url).pathname;
export const page = join(root, "docs/features/cli.md");

const begin = "<!-- commands: made by scripts/cli-docs.ts -->";
const end = "<!-- /commands -->";

const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll("<", "&lt;");
const rows = describeCommands().map(
  ({ usage, description, options }) =>
    `| \`${usage.replaceAll("|", "\\|")}\` | ${cell(description)}${options.length === 0 ? "" : `; ${options.map((option) => `\`${option}\``).join(" ")}`} |`,
);

/** The page with its table made from the commands. Throws Error when the markers are missing. */
export function withCommands(text: string): string {
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from === -1 || to < from) throw new Error(`${page} lacks the lines ${begin} and ${end}`);
  return `${text.slice(0, from)}${begin}\n\n| command | |\n|---|---|\n${rows.join("\n")}\n\n${text.slice(to)}`;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  writeFileSync(page, withCommands(readFileSync(page, "utf8")));
}
