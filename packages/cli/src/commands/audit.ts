import type { components } from "@devflow/client";
import { type Command, Option } from "commander";
import { type AddCommand, call, type Cli, examples, say, show, showList } from "../command.ts";
import { Failure } from "../failure.ts";
import { clean } from "../output/style.ts";
import { at } from "../output/time.ts";
import { readMoment, wholeNumber } from "../read-option.ts";
import { saveTo } from "../save.ts";

type Entry = components["schemas"]["AuditEntry"];

interface Filter {
  readonly actor?: string;
  readonly action?: string;
  readonly target?: string;
  readonly refused?: boolean;
  readonly since?: string;
  readonly until?: string;
  readonly search?: string;
}

const filterOptions = (command: Command): Command =>
  command
    .option("--actor <who>", "name or id of who did it")
    .option("--action <action>", 'servers.revoke, or "servers." for all that begin so')
    .option("--target <kind:id>", "what it was done to: server:0b7c…, or its kind alone")
    .option("--refused", "only what was refused")
    .option("--since <time>", "from then on: -2h, 2026-11-20")
    .option("--until <time>", "until then")
    .option("--search <text>", "text anywhere in it");

function queryOf({ actor, action, target, refused, since, until, search }: Filter, cli: Cli) {
  const [, targetKind, targetId] = /^([^:]+)(?::(.+))?$/s.exec(target ?? "") ?? [];
  return {
    actor,
    action,
    targetKind,
    targetId,
    outcome: refused === true ? ("refused" as const) : undefined,
    from: since === undefined ? undefined : readMoment("--since", since, cli.now()).toISOString(),
    to: until === undefined ? undefined : readMoment("--until", until, cli.now()).toISOString(),
    q: search,
  };
}

export const audit: AddCommand = (program, cli) => {
  const { terminal, signal } = cli;
  const { style } = terminal;
  const group = program.command("audit").description("who changed what, and who was refused");
  filterOptions(group.command("list", { isDefault: true }))
    .description("the log, newest first")
    .option("--limit <n>", "at most so many", wholeNumber("--limit", 1, 100_000), 50)
    .addHelpText("after", examples("devflow audit list --actor anna --since -7d", "devflow audit list --refused --json"))
    .action(
      call<Filter & { limit: number }>(cli, async ({ client, options }) => {
        const items: Entry[] = [];
        const query = { ...queryOf(options, cli), limit: Math.min(500, options.limit) };
        for await (const entry of client.list("/api/v1/audit", { query, signal })) {
          items.push(entry);
          if (items.length >= options.limit) break;
        }
        showList<Entry>(
          cli,
          options,
          items,
          [
            { title: "NO", value: ({ sequence }) => String(sequence), align: "right" },
            { title: "TIME", value: (entry) => at(entry.at) },
            { title: "WHO", value: ({ actor }) => actor.name },
            { title: "FROM", value: ({ address }) => address ?? "–" },
            { title: "ACTION", value: ({ action }) => action, flexible: true },
            { title: "TARGET", value: ({ target }) => `${target.kind} ${target.id}` },
            { title: "", value: ({ outcome }) => (outcome === "refused" ? "refused" : ""), paint: (text) => style.yellow(text) },
          ],
          "Nothing is in the log that is like that.",
        );
      }),
    );
  filterOptions(group.command("export"))
    .description("all of it into a file")
    .addOption(new Option("--format <format>", "JSON lines or CSV").choices(["ndjson", "csv"]).default("ndjson"))
    .option("-o, --output <file>", '"-" for stdout; default audit.ndjson or audit.csv here')
    .addHelpText(
      "after",
      examples("devflow audit export --format csv --since 2026-10-01 -o october.csv", "devflow audit export -o - | jq .action"),
    )
    .action(
      call<Filter & { format: "ndjson" | "csv"; output?: string }>(cli, async ({ client, options }) => {
        const file = options.output ?? `audit.${options.format}`;
        const query = { ...queryOf(options, cli), format: options.format };
        const size = await saveTo(file, client.download("/api/v1/audit/export", { query, signal }), terminal.output);
        if (file === "-") return;
        if (options.json === true) show(cli, options, { file, size }, () => "");
        else say(cli, options, `${clean(file)}: ${size} bytes.`);
      }),
    );
  group
    .command("verify")
    .description("check the log's chain; ends with 1 when it was changed")
    .addHelpText("after", examples("devflow audit verify"))
    .action(
      call(cli, async ({ client, options }) => {
        const result = await client.post("/api/v1/audit/verify", { signal });
        const { rows, unchained, checkedCheckpoints, contradictions, restores, problem } = result;
        show(cli, options, result, () =>
          [
            problem === null
              ? `${rows} rows and ${checkedCheckpoints} checkpoints fit; the newest ${unchained} get their hash within a minute.`
              : `Row ${problem.sequence} does not fit: ${clean(problem.reason)}`,
            ...contradictions.map((one) => `Server ${clean(one.server.name)} contradicts row ${one.sequence}: ${clean(one.reason)}`),
            ...restores.map(
              (one) => `The database was put back to an older state: rows after ${one.afterSequence} of before ${at(one.at)} are gone`,
            ),
          ].join("\n"),
        );
        if (problem !== null || contradictions.length > 0)
          throw new Failure(
            "failure",
            "The audit log is not as it was written",
            "Keep a backup of the database as it is now, and compare it with an older one. When it was put back to an older state: devflow admin after-restore",
          );
      }),
    );
};
