import { tagColors } from "@devflow/api/tag-colors";
import { Option } from "commander";
import type { components } from "@devflow/client";
import { type AddCommand, call, examples, show, showList } from "../command.ts";
import { clean } from "../output/style.ts";
import { changes } from "../read-option.ts";
import { confirm } from "../terminal.ts";

type Color = components["schemas"]["TagColor"];
// Not --color, which --no-color of the program would answer to.
const colorOption = () => new Option("--colour <colour>", "how it looks").choices(tagColors);

export const tags: AddCommand = (program, cli) => {
  const { terminal, signal } = cli;
  const group = program.command("tags").description("tags of servers");
  group
    .command("list", { isDefault: true })
    .description("tags with how many servers have them")
    .addHelpText("after", examples("devflow tags list"))
    .action(
      call(cli, async ({ client, options }) => {
        const { items } = await client.get("/api/v1/tags", { signal });
        showList(
          cli,
          options,
          options.quiet === true ? items.map((tag) => ({ ...tag, id: tag.name })) : items,
          [
            { title: "TAG", value: ({ name }) => name },
            { title: "SERVERS", value: ({ servers }) => String(servers), align: "right" },
            { title: "COLOUR", value: ({ color }) => color },
            { title: "DESCRIPTION", value: ({ description }) => description, flexible: true },
          ],
          "No tags yet. Put one on a server with: devflow servers tag SERVER --add TAG",
        );
      }),
    );
  group
    .command("create")
    .argument("<tag>", "its name")
    .addOption(colorOption())
    .option("--description <text>", "what it means")
    .description("make a tag before a server has it")
    .addHelpText("after", examples("devflow tags create prod --colour amber --description 'people depend on it'"))
    .action(
      call<{ colour?: Color; description?: string }, [string]>(cli, async ({ client, options, words: [name] }) => {
        const { colour, description } = options;
        const body = { name, ...(colour !== undefined && { color: colour }), ...(description !== undefined && { description }) };
        const made = await client.post("/api/v1/tags", { body, signal });
        show(cli, options, made, () => `${clean(made.name)} is there.`);
      }),
    );
  group
    .command("edit")
    .argument("<tag>", "the tag")
    .addOption(colorOption())
    .option("--description <text>", "what it means")
    .description("change how a tag looks and what it means")
    .addHelpText("after", examples("devflow tags edit prod --colour pink"))
    .action(
      call<{ colour?: Color; description?: string }, [string]>(cli, async ({ client, options, words: [name] }) => {
        const body = changes({ color: options.colour, description: options.description }, "--colour or --description");
        const changed = await client.patch("/api/v1/tags", { query: { name }, body, signal });
        show(cli, options, changed, () => `${clean(name)} is changed.`);
      }),
    );
  group
    .command("rename")
    .argument("<tag>", "the tag")
    .argument("<new-name>", "its new name; that of another tag makes them one")
    .description("rename a tag on all servers")
    .addHelpText("after", examples("devflow tags rename production prod"))
    .action(
      call<object, [string, string]>(cli, async ({ client, options, words: [name, to] }) => {
        const changed = await client.patch("/api/v1/tags", { query: { name }, body: { name: to }, signal });
        show(cli, options, changed, () => `${clean(name)} is ${clean(to)} on ${changed.servers} servers now.`);
      }),
    );
  group
    .command("delete")
    .argument("<tag>", "the tag")
    .description("take a tag from all servers")
    .addHelpText("after", examples("devflow tags delete staging --yes"))
    .action(
      call<object, [string]>(cli, async ({ client, options, words: [name] }) => {
        await confirm(terminal, options.yes, `Take the tag ${clean(name)} from all servers?`, name);
        const changed = await client.delete("/api/v1/tags", { query: { name }, signal });
        show(cli, options, changed, () => `${clean(name)} is taken from ${changed.servers} servers.`);
      }),
    );
};
