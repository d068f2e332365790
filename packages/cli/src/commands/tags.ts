import type { components } from "@devflow/client";
import { type AddCommand, clientFor, examples, show } from "../command.ts";
import { clean } from "../output/style.ts";
import { table } from "../output/table.ts";
import type { GlobalOptions } from "../session.ts";
import { confirm } from "../terminal.ts";

type Tag = components["schemas"]["Tag"];

export const tags: AddCommand = (program, cli) => {
  const { terminal, signal } = cli;
  const group = program.command("tags").description("tags of servers");
  group
    .command("list", { isDefault: true })
    .description("tags with how many servers have them")
    .action(async (_, command: typeof program) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const list = await (await clientFor(cli, options)).get("/api/v1/tags", { signal });
      show(cli, options, list, () =>
        list.items.length === 0
          ? "No tags yet. Put one on a server with: devflow servers tag SERVER --add TAG"
          : table<Tag>(
              list.items,
              [
                { title: "TAG", value: ({ name }) => name },
                { title: "SERVERS", value: ({ servers }) => String(servers), align: "right" },
                { title: "COLOUR", value: ({ color }) => color },
                { title: "DESCRIPTION", value: ({ description }) => description, flexible: true },
              ],
              terminal.style,
              terminal.isTty ? terminal.columns : Infinity,
            ),
      );
    });
  group
    .command("rename")
    .argument("<tag>", "the tag")
    .argument("<new-name>", "its new name; that of another tag makes them one")
    .description("rename a tag on all servers")
    .addHelpText("after", examples("devflow tags rename production prod"))
    .action(async (name: string, to: string, _, command: typeof program) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const client = await clientFor(cli, options);
      const changed = await client.patch("/api/v1/tags", { query: { name }, body: { name: to }, signal });
      show(cli, options, changed, () => `${clean(name)} is ${clean(to)} on ${changed.servers} servers now.`);
    });
  group
    .command("delete")
    .argument("<tag>", "the tag")
    .description("take a tag from all servers")
    .action(async (name: string, _, command: typeof program) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const client = await clientFor(cli, options);
      await confirm(terminal, options.yes, `Take the tag ${clean(name)} from all servers?`);
      const changed = await client.delete("/api/v1/tags", { query: { name }, signal });
      show(cli, options, changed, () => `${clean(name)} is taken from ${changed.servers} servers.`);
    });
};
