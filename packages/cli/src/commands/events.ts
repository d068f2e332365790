import type { EventType } from "@devflow/api";
import type { components, TypedEvent } from "@devflow/client";
import { type AddCommand, call, examples, say, show, showList } from "../command.ts";
import { Failure } from "../failure.ts";
import { clean } from "../output/style.ts";
import { at } from "../output/time.ts";
import { readMoment, wholeNumber } from "../read-option.ts";

type Event = components["schemas"]["Event"];

/** "member.left  anna" with what is to say of it: "removed: true". */
const dataText = (data: Readonly<Record<string, unknown>>): string =>
  Object.entries(data)
    .map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(", ");

interface Filter {
  readonly type?: readonly string[];
  readonly since?: string;
}
const typesOf = ({ type }: Filter): string[] | undefined => type?.flatMap((text) => text.split(","));

export const events: AddCommand = (program, cli) => {
  const { terminal, signal } = cli;
  const { style } = terminal;
  const group = program.command("events").description("what happened, and what happens");
  group
    .command("list", { isDefault: true })
    .description("what happened, newest first")
    .option("--type <type...>", "only these: server.offline")
    .option("--since <time>", "from then on: -2h, 2026-11-20")
    .option("--until <time>", "until then")
    .option("--subject <kind:id>", "of one thing: server:0b7c…")
    .option("--limit <n>", "at most so many", wholeNumber("--limit", 1, 100_000), 50)
    .addHelpText("after", examples("devflow events list --type server.offline --since -1d", "devflow events list --limit 1000 --json"))
    .action(
      call<Filter & { until?: string; subject?: string; limit: number }>(cli, async ({ client, options }) => {
        const { since, until, subject, limit } = options;
        const [, subjectKind, subjectId] = /^([^:]+):(.+)$/s.exec(subject ?? "") ?? [];
        if (subject !== undefined && subjectId === undefined)
          throw new Failure("usage", `--subject: expected kind:id such as server:0b7c…, got ${clean(subject)}`);
        const query = {
          types: typesOf(options)?.join(","),
          from: since === undefined ? undefined : readMoment("--since", since, cli.now()).toISOString(),
          to: until === undefined ? undefined : readMoment("--until", until, cli.now()).toISOString(),
          subjectKind,
          subjectId,
          limit: Math.min(500, limit),
        };
        const items: Event[] = [];
        for await (const event of client.list("/api/v1/events", { query, signal })) {
          items.push(event);
          if (items.length >= limit) break;
        }
        showList(
          cli,
          options,
          items,
          [
            { title: "TIME", value: (event) => at(event.at) },
            { title: "EVENT", value: ({ type }) => type },
            { title: "OF", value: ({ subject: of }) => of.name },
            { title: "BY", value: ({ actor }) => actor.name },
            { title: "", value: ({ data }) => dataText(data), flexible: true },
          ],
          "Nothing happened that is like that.",
        );
      }),
    );
  group
    .command("follow")
    .description("what happens, as it happens; with --json a line of JSON each. Ctrl-C ends it")
    .option("--type <type...>", "only these: server.offline")
    .option("--since <time>", "begin with what happened since then: -2h")
    .option("--after <id>", "begin behind this event")
    .option("--count <n>", "end after so many", wholeNumber("--count", 1, 1_000_000))
    .addHelpText(
      "after",
      examples(
        "devflow events follow --type server.offline server.online",
        'devflow events follow --json | while read -r event; do echo "$event" | jq .type; done',
        "devflow events follow --type server.online --count 1",
      ),
    )
    .action(
      call<Filter & { after?: string; count?: number }>(cli, async ({ client, options }) => {
        if (options.since !== undefined && options.after !== undefined) throw new Failure("usage", "--since or --after, not both");
        const since = options.since === undefined ? options.after : readMoment("--since", options.since, cli.now());
        const types = typesOf(options) as EventType[] | undefined;
        let seen = 0;
        const following = client.events.follow({
          signal,
          ...(types !== undefined && { types }),
          ...(since !== undefined && { since }),
          onState: (state) => {
            if (state === "lost") say(cli, options, "The connection is lost; trying again …");
            else if (seen === 0) say(cli, options, style.dim("Following. Ctrl-C ends it."));
          },
        });
        for await (const event of following) {
          seen += 1;
          if (options.json === true) terminal.out(`${JSON.stringify(event)}\n`);
          else show(cli, options, event, () => lineOf(event));
          if (seen === options.count) break;
        }
      }),
    );
  const lineOf = (event: TypedEvent) =>
    [
      style.dim(at(event.at)),
      style.bold(event.type),
      clean(event.subject.name),
      event.actor.kind === "system" ? "" : style.dim(`by ${clean(event.actor.name)}`),
      clean(dataText(event.data as Record<string, unknown>)),
    ]
      .filter((text) => text !== "")
      .join("  ");
};
