import { formatBytes, formatPercent } from "@devflow/units";
import type { Command } from "commander";
import { call, type Cli, examples, show } from "../command.ts";
import { findServer } from "../find-server.ts";
import { clean } from "../output/style.ts";
import { facts } from "../output/table.ts";
import { ago, at } from "../output/time.ts";

/** What machine a server is, and how the fleet is: the reading commands of servers beside list and show. */
export function serverInventory(group: Command, cli: Cli): void {
  const { terminal, signal } = cli;
  group
    .command("summary")
    .description("the fleet in a few figures")
    .addHelpText("after", examples("devflow servers summary"))
    .action(
      call(cli, async ({ client, options }) => {
        const fleet = await client.get("/api/v1/servers/summary", { signal });
        const percent = (value: number | null) => (value === null ? "–" : formatPercent(value));
        show(cli, options, fleet, () =>
          facts(
            [
              ["servers", `${fleet.online} online, ${fleet.offline} offline, ${fleet.total} in all`],
              ["CPU", `median ${percent(fleet.cpuMedianPercent)}, 95th percentile ${percent(fleet.cpuP95Percent)}`],
              ["memory", `median ${percent(fleet.memoryMedianPercent)}, 95th percentile ${percent(fleet.memoryP95Percent)}`],
              ["fullest disk", percent(fleet.diskWorstPercent)],
            ],
            terminal.style,
          ),
        );
      }),
    );
  group
    .command("inventory")
    .argument("<server>", "name, host name or id")
    .description("what machine it is; all of it with --json")
    .addHelpText("after", examples("devflow servers inventory web-1", "devflow servers inventory web-1 --json | jq '.listeningPorts'"))
    .action(
      call<object, [string]>(cli, async ({ client, options, words: [which] }) => {
        const { id } = await findServer(client, which);
        const found = await client.get("/api/v1/servers/{id}/inventory", { path: { id }, signal });
        show(cli, options, found, () =>
          facts(
            [
              ["host name", clean(found.hostname)],
              ["system", clean(`${found.osName} ${found.osVersion}, ${found.kernel}, ${found.architecture}`)],
              ["machine", clean([found.product, found.virtualization, found.cloud].filter(Boolean).join(", ")) || "–"],
              ["processor", clean(`${found.cpuModel}, ${found.cpuCores} cores, ${found.cpuThreads} threads`)],
              ["memory", formatBytes(found.memoryBytes)],
              ["running since", `${at(found.bootTime)} (${ago(found.bootTime, cli.now())})`],
              ["reboot", found.rebootRequired ? terminal.style.yellow("required") : "not required"],
              ["updates", `${found.updatesPending ?? "unknown"}, of security ${found.securityUpdatesPending ?? "unknown"}`],
              ...found.filesystems.map(({ mountPoint, type, sizeBytes }): [string, string] => [
                "file system",
                clean(`${mountPoint}  ${type}  ${formatBytes(sizeBytes)}`),
              ]),
              ...found.interfaces.map(({ name, addresses }): [string, string] => ["network", clean(`${name}  ${addresses.join(", ")}`)]),
            ],
            terminal.style,
          ),
        );
      }),
    );
  group
    .command("release")
    .argument("<server>", "name, host name or id")
    .description("let a quarantined server in again")
    .addHelpText("after", examples("devflow servers release web-1"))
    .action(
      call<object, [string]>(cli, async ({ client, options, words: [which] }) => {
        const { id } = await findServer(client, which);
        const server = await client.post("/api/v1/servers/{id}/release", { path: { id }, signal });
        show(cli, options, server, () => `${clean(server.name)} is ${server.state} now.`);
      }),
    );
}
