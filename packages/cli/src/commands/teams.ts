import type { components } from "@devflow/client";
import { type AddCommand, call, examples, show, showList } from "../command.ts";
import { Failure } from "../failure.ts";
import { findMember, findTeam } from "../find-people.ts";
import { type GrantOptions, grantOptions, grantsText, readGrants } from "../grants.ts";
import { clean } from "../output/style.ts";
import { facts } from "../output/table.ts";
import { changes } from "../read-option.ts";
import { confirm } from "../terminal.ts";

type Team = components["schemas"]["Team"];

export const teams: AddCommand = (program, cli) => {
  const { terminal, signal } = cli;
  const group = program.command("teams").description("teams, who is in them and what they may do");
  group
    .command("list", { isDefault: true })
    .description("teams with their counts")
    .addHelpText("after", examples("devflow teams list"))
    .action(
      call(cli, async ({ client, options }) => {
        const { items } = await client.get("/api/v1/teams", { signal });
        showList<Team>(
          cli,
          options,
          items,
          [
            { title: "NAME", value: ({ name }) => name, flexible: true },
            { title: "MEMBERS", value: ({ members }) => String(members), align: "right" },
            { title: "GROUPS", value: ({ groups }) => String(groups), align: "right" },
            { title: "ROLE", value: ({ grants }) => grantsText(grants) },
          ],
          "No teams yet. Make one with: devflow teams create NAME",
        );
      }),
    );
  group
    .command("show")
    .argument("<team>", "name or id")
    .description("one team with its members and groups")
    .addHelpText("after", examples("devflow teams show Ops"))
    .action(
      call<object, [string]>(cli, async ({ client, options, words: [which] }) => {
        const { id } = await findTeam(client, which);
        const found = await client.get("/api/v1/teams/{id}", { path: { id }, signal });
        show(cli, options, found, () =>
          facts(
            [
              ["name", terminal.style.bold(clean(found.name))],
              ["id", found.id],
              ["description", clean(found.description) || "–"],
              ["may", grantsText(found.grants)],
              ["groups", found.groups.map(({ name }) => clean(name)).join(", ") || "–"],
              ...found.members.map(({ name, email }): [string, string] => ["member", clean(`${name} <${email}>`)]),
            ],
            terminal.style,
          ),
        );
      }),
    );
  group
    .command("create")
    .argument("<name>", "its name")
    .option("--description <text>", "what it does")
    .description("make a team")
    .addHelpText("after", examples("devflow teams create Ops"))
    .action(
      call<{ description?: string }, [string]>(cli, async ({ client, options, words: [name] }) => {
        const { description } = options;
        const made = await client.post("/api/v1/teams", { body: { name, ...(description !== undefined && { description }) }, signal });
        show(cli, options, made, () => `${clean(name)} is there (${made.id}).`);
      }),
    );
  group
    .command("edit")
    .argument("<team>", "name or id")
    .option("--name <name>", "its new name")
    .option("--description <text>", "what it does")
    .description("change a team's name or description")
    .addHelpText("after", examples("devflow teams edit Ops --name Operations"))
    .action(
      call<{ name?: string; description?: string }, [string]>(cli, async ({ client, options, words: [which] }) => {
        const body = changes({ name: options.name, description: options.description }, "--name or --description");
        const { id, name } = await findTeam(client, which);
        await client.patch("/api/v1/teams/{id}", { path: { id }, body, signal });
        show(cli, options, { id, ...body }, () => `${clean(body.name ?? name)} is changed.`);
      }),
    );
  grantOptions(group.command("set-roles").argument("<team>", "name or id"))
    .option("--none", "no roles")
    .description("what a team's members may do from now on, in place of all roles before")
    .addHelpText("after", examples("devflow teams set-roles Ops --role admin --team Ops", "devflow teams set-roles Ops --none"))
    .action(
      call<GrantOptions & { none?: boolean }, [string]>(cli, async ({ client, options, words: [which] }) => {
        const grants = await readGrants(client, options);
        if ((grants.length === 0) !== (options.none === true))
          throw new Failure("usage", "Say what they may do: --role, --grant, or --none alone");
        const { id, name } = await findTeam(client, which);
        await client.put("/api/v1/teams/{id}/grants", { path: { id }, body: { grants }, signal });
        const now = await findTeam(client, id);
        show(cli, options, now, () => `${clean(name)} may ${grantsText(now.grants)} now.`);
      }),
    );
  group
    .command("add")
    .argument("<team>", "name or id")
    .argument("<member>", "e-mail address, name or id")
    .description("put a member of the organisation into a team")
    .addHelpText("after", examples("devflow teams add Ops anna@example.com"))
    .action(
      call<object, [string, string]>(cli, async ({ client, options, words: [which, who] }) => {
        const { id, name } = await findTeam(client, which);
        const { userId, name: person } = await findMember(client, who);
        await client.post("/api/v1/teams/{id}/members", { path: { id }, body: { userId }, signal });
        show(cli, options, { id, userId }, () => `${clean(person)} is in ${clean(name)} now.`);
      }),
    );
  group
    .command("remove")
    .argument("<team>", "name or id")
    .argument("<member>", "e-mail address, name or id")
    .description("take a member out of a team")
    .addHelpText("after", examples("devflow teams remove Ops anna@example.com"))
    .action(
      call<object, [string, string]>(cli, async ({ client, options, words: [which, who] }) => {
        const { id, name } = await findTeam(client, which);
        const { userId, name: person } = await findMember(client, who);
        await client.delete("/api/v1/teams/{id}/members", { path: { id }, query: { userId }, signal });
        show(cli, options, { id, userId, removed: true }, () => `${clean(person)} is in ${clean(name)} no more.`);
      }),
    );
  group
    .command("delete")
    .argument("<team>", "name or id")
    .description("delete a team; its roles are gone, its groups belong to no team")
    .addHelpText("after", examples("devflow teams delete Ops --yes"))
    .action(
      call<object, [string]>(cli, async ({ client, options, words: [which] }) => {
        const { id, name } = await findTeam(client, which);
        await confirm(terminal, options.yes, `Delete the team ${clean(name)}? What its members may do by it is gone.`, name);
        await client.delete("/api/v1/teams/{id}", { path: { id }, signal });
        show(cli, options, { id, deleted: true }, () => `${clean(name)} is deleted.`);
      }),
    );
};
