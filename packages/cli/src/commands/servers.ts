import type { Client, components } from "@devflow/client";
import { formatBytes, formatPercent } from "@devflow/units";
import { Option } from "commander";
import { type AddCommand, type Cli, clientFor, examples, show } from "../command.ts";
import { findGroup } from "../find-group.ts";
import { findServer, type Server } from "../find-server.ts";
import { clean } from "../output/style.ts";
import { type Column, facts, table } from "../output/table.ts";
import { ago, at } from "../output/time.ts";
import type { GlobalOptions } from "../session.ts";
import { confirm } from "../terminal.ts";
import { Failure } from "../failure.ts";
import { wholeNumber } from "../read-option.ts";
import { serverInventory } from "./server-inventory.ts";

const states = ["online", "offline", "pending", "revoked", "quarantined"] as const;
const sorts = ["name", "-name", "cpu", "-cpu", "memory", "-memory", "disk", "-disk", "state"] as const;

interface ListOptions extends GlobalOptions {
  readonly state?: string;
  readonly group?: string;
  readonly tag?: readonly string[];
  readonly os?: string;
  readonly search?: string;
  readonly sort?: (typeof sorts)[number];
  readonly limit?: number;
}

const percentOf = (value: number | null | undefined) => (value == null ? "–" : formatPercent(value));
const memoryPercent = ({ latest }: Server) =>
  latest?.memoryUsedBytes == null || !latest.memoryTotalBytes ? null : (latest.memoryUsedBytes / latest.memoryTotalBytes) * 100;

/** The columns of the list and of top. */
export function serverColumns(cli: Cli): Column<Server>[] {
  const { style } = cli.terminal;
  const level = (percent: number | null | undefined, text: string) =>
    percent == null || percent < 80 ? text : percent < 95 ? style.yellow(text) : style.red(text);
  const stateColor: Record<Server["state"], (text: string) => string> = {
    online: style.green,
    offline: style.red,
    pending: style.dim,
    revoked: style.dim,
    quarantined: style.yellow,
  };
  return [
    { title: "NAME", value: ({ name }) => name, flexible: true },
    { title: "STATE", value: ({ state }) => state, paint: (text, { state }) => stateColor[state](text) },
    {
      title: "CPU",
      value: ({ latest }) => percentOf(latest?.cpuPercent),
      align: "right",
      paint: (text, { latest }) => level(latest?.cpuPercent, text),
    },
    { title: "LOAD", value: ({ latest }) => latest?.load1?.toFixed(2) ?? "–", align: "right" },
    {
      title: "MEMORY",
      value: (server) => percentOf(memoryPercent(server)),
      align: "right",
      paint: (text, server) => level(memoryPercent(server), text),
    },
    {
      title: "DISK",
      value: ({ latest }) => percentOf(latest?.diskUsedPercent),
      align: "right",
      paint: (text, { latest }) => level(latest?.diskUsedPercent, text),
    },
    { title: "SEEN", value: ({ lastSeenAt }) => ago(lastSeenAt, cli.now()), align: "right" },
  ];
}

function describe(server: Server, cli: Cli): string {
  const { latest } = server;
  const { style } = cli.terminal;
  const warnings = server.warnings.map(({ message, since }): [string, string] => [
    "warning",
    style.yellow(`${clean(message)} (${ago(since, cli.now())})`),
  ]);
  return facts(
    [
      ["name", style.bold(clean(server.name))],
      ["host name", clean(server.hostname)],
      ["id", server.id],
      ["state", `${server.state} (${ago(server.stateSince, cli.now())})`],
      ["system", clean(server.osName ?? "not known yet")],
      ["agent", clean(server.agentVersion ?? "not known yet") + (server.monitorOnly === true ? ", monitor only" : "")],
      ["added", at(server.enrolledAt)],
      ["last seen", server.lastSeenAt === null ? "never" : at(server.lastSeenAt)],
      ["round trip", server.roundTripMs === null ? "–" : `${server.roundTripMs.toFixed(1)} ms`],
      ["CPU", percentOf(latest?.cpuPercent)],
      [
        "memory",
        latest?.memoryUsedBytes == null || latest.memoryTotalBytes == null
          ? "–"
          : `${formatBytes(latest.memoryUsedBytes)} of ${formatBytes(latest.memoryTotalBytes)}`,
      ],
      ["fullest disk", latest?.diskUsedPercent == null ? "–" : `${percentOf(latest.diskUsedPercent)} of ${clean(latest.diskMount ?? "")}`],
      ...warnings,
    ],
    style,
  );
}

const readStates = (text: string): string => {
  const wrong = text.split(",").find((one) => !(states as readonly string[]).includes(one));
  if (wrong !== undefined) throw new Failure("usage", `--state: expected ${states.join(", ")}, got ${wrong}`);
  return text;
};

async function idsOf(client: Client, names: readonly string[]): Promise<string[]> {
  const ids: string[] = [];
  for (const name of names) ids.push((await findServer(client, name)).id);
  return ids;
}
/** Ends with 1 when a server was left out, so that a script notices. */
function demandAll({ items }: components["schemas"]["BulkResult"]): void {
  const left = items.filter(({ outcome }) => outcome !== "changed" && outcome !== "unchanged").length;
  if (left > 0) throw new Failure("failure", `${left} of ${items.length} servers were not changed`);
}
const changedText = ({ changed, items }: components["schemas"]["BulkResult"]): string => {
  const left = items.filter(({ outcome }) => outcome !== "changed" && outcome !== "unchanged");
  const said = `${changed} of ${items.length} ${items.length === 1 ? "server" : "servers"} changed.`;
  return [said, ...left.map(({ id, outcome }) => `  ${id}  ${outcome.replaceAll("_", " ")}`)].join("\n");
};

export const servers: AddCommand = (program, cli) => {
  const { terminal, signal } = cli;
  const group = program.command("servers").description("list and look after servers");
  group
    .command("list", { isDefault: true })
    .description("servers with state and newest values")
    .addOption(new Option("--state <states>", "only these; several with commas").choices(states).argParser(readStates))
    .option("--group <group>", 'in this group: its name or id, or "none"')
    .option("--tag <tag...>", "with all of these tags; with commas: any of them")
    .option("--os <text>", "part of the operating system's name")
    .option("--search <text>", "part of the name, host name, system or address")
    .addOption(new Option("--sort <by>", "order; - for largest first").choices(sorts))
    .option("--limit <n>", "at most so many", wholeNumber("--limit", 1, 999_999))
    .addHelpText(
      "after",
      examples(
        "devflow servers list --state offline",
        "devflow servers list --sort=-cpu --limit 10",
        `devflow servers list --json | jq -r '.items[].name'`,
      ),
    )
    .action(async (_, command: typeof program) => {
      const options = command.optsWithGlobals<ListOptions>();
      const client = await clientFor(cli, options);
      const { state, tag, os, search, sort, limit = Infinity } = options;
      const items: Server[] = [];
      const group =
        options.group === undefined ? undefined : options.group === "none" ? "none" : (await findGroup(client, options.group)).id;
      const query = {
        state,
        group,
        os,
        search,
        sort,
        limit: Math.min(500, limit),
        ...(tag !== undefined && { tag: [...tag] }),
      };
      for await (const server of client.list("/api/v1/servers", { query, signal })) {
        if (items.length >= limit) break;
        items.push(server);
      }
      show(cli, options, { items }, () =>
        items.length === 0
          ? [state, search, group, tag, os].every((one) => one === undefined)
            ? "No servers yet. Add one with: devflow enrol"
            : "No server is like that."
          : table(items, serverColumns(cli), terminal.style, terminal.isTty ? terminal.columns : Infinity),
      );
    });
  group
    .command("show")
    .argument("<server>", "name, host name or id")
    .description("one server")
    .addHelpText("after", examples("devflow servers show web-1"))
    .action(async (name: string, _, command: typeof program) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const server = await findServer(await clientFor(cli, options), name);
      show(cli, options, server, () => describe(server, cli));
    });
  group
    .command("rename")
    .argument("<server>", "name, host name or id")
    .argument("<new-name>", "its new name")
    .description("give a server another name")
    .addHelpText("after", examples("devflow servers rename web-1 edge-1"))
    .action(async (name: string, to: string, _, command: typeof program) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const client = await clientFor(cli, options);
      const { id } = await findServer(client, name);
      const server = await client.patch("/api/v1/servers/{id}", { path: { id }, body: { name: to }, signal });
      show(cli, options, server, () => `${clean(name)} is called ${clean(server.name)} now.`);
    });
  group
    .command("tag")
    .argument("<servers...>", "names, host names or ids")
    .option("--add <tag...>", "put these on")
    .option("--remove <tag...>", "take these off")
    .description("change tags of servers")
    .addHelpText("after", examples("devflow servers tag web-1 web-2 --add prod --remove staging"))
    .action(async (names: string[], _, command: typeof program) => {
      const { add = [], remove = [], ...options } = command.optsWithGlobals<GlobalOptions & { add?: string[]; remove?: string[] }>();
      if (add.length + remove.length === 0) throw new Failure("usage", "Say what to change: --add TAG or --remove TAG");
      const client = await clientFor(cli, options);
      const ids = await idsOf(client, names);
      const result = await client.post("/api/v1/servers/bulk", { body: { ids, addTags: add, removeTags: remove }, signal });
      show(cli, options, result, () => changedText(result));
      demandAll(result);
    });
  group
    .command("move")
    .argument("<servers...>", "names, host names or ids")
    .requiredOption("--group <group>", 'into this group: its name or id, or "none"')
    .description("put servers into a group")
    .addHelpText("after", examples("devflow servers move web-1 web-2 --group Edge"))
    .action(async (names: string[], _, command: typeof program) => {
      const options = command.optsWithGlobals<GlobalOptions & { group: string }>();
      const client = await clientFor(cli, options);
      const groupId = options.group === "none" ? null : (await findGroup(client, options.group)).id;
      const result = await client.post("/api/v1/servers/bulk", { body: { ids: await idsOf(client, names), groupId }, signal });
      show(cli, options, result, () => changedText(result));
      demandAll(result);
    });
  group
    .command("revoke")
    .argument("<server>", "name, host name or id")
    .description("end a server's identity for good; its history stays")
    .addHelpText("after", examples("devflow servers revoke web-1 --yes"))
    .action(async (name: string, _, command: typeof program) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const client = await clientFor(cli, options);
      const { id, name: known } = await findServer(client, name);
      await confirm(terminal, options.yes, `Revoke ${clean(known)} (${id})? It may never connect again as it is.`, known);
      const server = await client.post("/api/v1/servers/{id}/revoke", { path: { id }, signal });
      show(cli, options, server, () => `${clean(server.name)} is revoked.`);
    });
  group
    .command("delete")
    .argument("<server>", "name, host name or id")
    .description("delete a server with its identity and history")
    .addHelpText("after", examples("devflow servers delete web-1 --yes"))
    .action(async (name: string, _, command: typeof program) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const client = await clientFor(cli, options);
      const { id, name: known } = await findServer(client, name);
      await confirm(terminal, options.yes, `Delete ${clean(known)} (${id}) with all its history?`, known);
      await client.delete("/api/v1/servers/{id}", { path: { id }, signal });
      show(cli, options, { id, deleted: true }, () => `${clean(known)} is deleted.`);
    });
  serverInventory(group, cli);
};
