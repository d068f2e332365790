import { type AddCommand, clientFor, examples, show } from "../command.ts";
import { findGroup, type ServerGroup } from "../find-group.ts";
import { clean } from "../output/style.ts";
import { table } from "../output/table.ts";
import type { GlobalOptions } from "../session.ts";
import { confirm } from "../terminal.ts";

export const groups: AddCommand = (program, cli) => {
  const { terminal, signal } = cli;
  const group = program.command("groups").description("server groups");
  group
    .command("list", { isDefault: true })
    .description("groups with their counts")
    .action(async (_, command: typeof program) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const list = await (await clientFor(cli, options)).get("/api/v1/groups", { signal });
      show(cli, options, list, () =>
        list.items.length === 0
          ? "No groups yet. Make one with: devflow groups create NAME"
          : table<ServerGroup>(
              list.items,
              [
                { title: "NAME", value: ({ name }) => name, flexible: true },
                { title: "SERVERS", value: ({ servers }) => String(servers.total), align: "right" },
                { title: "ONLINE", value: ({ servers }) => String(servers.online), align: "right" },
                { title: "TEAM", value: ({ team }) => team?.name ?? "–" },
              ],
              terminal.style,
              terminal.isTty ? terminal.columns : Infinity,
            ),
      );
    });
  group
    .command("create")
    .argument("<name>", "its name")
    .option("--description <text>", "what is in it")
    .description("make a group")
    .addHelpText("after", examples("devflow groups create Edge --description 'near people'"))
    .action(async (name: string, _, command: typeof program) => {
      const options = command.optsWithGlobals<GlobalOptions & { description?: string }>();
      const client = await clientFor(cli, options);
      const body = { name, ...(options.description !== undefined && { description: options.description }) };
      const made = await client.post("/api/v1/groups", { body, signal });
      show(cli, options, made, () => `${clean(made.name)} is there (${made.id}).`);
    });
  group
    .command("rename")
    .argument("<group>", "name or id")
    .argument("<new-name>", "its new name")
    .description("give a group another name")
    .action(async (name: string, to: string, _, command: typeof program) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const client = await clientFor(cli, options);
      const { id } = await findGroup(client, name);
      const changed = await client.patch("/api/v1/groups/{id}", { path: { id }, body: { name: to }, signal });
      show(cli, options, changed, () => `${clean(name)} is called ${clean(changed.name)} now.`);
    });
  group
    .command("delete")
    .argument("<group>", "name or id")
    .description("delete a group; its servers stay, in no group")
    .action(async (name: string, _, command: typeof program) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const client = await clientFor(cli, options);
      const { id, name: known, servers } = await findGroup(client, name);
      await confirm(
        terminal,
        options.yes,
        `Delete the group ${clean(known)}? ${servers.total} servers are in no group then, and roles over it are gone.`,
      );
      const gone = await client.delete("/api/v1/groups/{id}", { path: { id }, signal });
      show(cli, options, gone, () => `${clean(known)} is deleted; ${gone.servers} servers are in no group now.`);
    });
};
