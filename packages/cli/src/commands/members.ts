import type { components } from "@devflow/client";
import { type AddCommand, call, examples, show, showList } from "../command.ts";
import { Failure } from "../failure.ts";
import { findMember } from "../find-people.ts";
import { type GrantOptions, grantOptions, grantsText, readGrants } from "../grants.ts";
import { clean } from "../output/style.ts";
import { ago } from "../output/time.ts";
import { all } from "../pick.ts";
import { confirm } from "../terminal.ts";

type Member = components["schemas"]["Member"];

export const members: AddCommand = (program, cli) => {
  const { terminal, signal } = cli;
  const group = program.command("members").description("people of the organisation");
  group
    .command("list", { isDefault: true })
    .option("--search <text>", "part of the name or e-mail address")
    .description("members with what they may do")
    .addHelpText("after", examples("devflow members list --search anna"))
    .action(
      call<{ search?: string }>(cli, async ({ client, options }) => {
        const items = await all(client.list("/api/v1/members", { query: { search: options.search }, signal }));
        showList<Member & { id: string }>(
          cli,
          options,
          items.map((member) => ({ id: member.userId, ...member })),
          [
            { title: "NAME", value: ({ name }) => name, flexible: true },
            { title: "E-MAIL", value: ({ email }) => email },
            { title: "ROLE", value: ({ grants }) => grantsText(grants) },
            { title: "TEAMS", value: ({ teams }) => teams.map(({ name }) => name).join(", ") || "–" },
            { title: "ACTIVE", value: ({ lastActiveAt }) => ago(lastActiveAt, cli.now()), align: "right" },
          ],
          "Nobody is like that.",
        );
      }),
    );
  grantOptions(group.command("set-roles").argument("<member>", "e-mail address, name or id"))
    .option("--none", "no roles of their own; those of their teams stay")
    .description("what a member may do from now on, in place of all roles before")
    .addHelpText(
      "after",
      examples(
        "devflow members set-roles anna@example.com --role edit",
        "devflow members set-roles bob@example.com --role deploy --group Edge",
      ),
    )
    .action(
      call<GrantOptions & { none?: boolean }, [string]>(cli, async ({ client, options, words: [which] }) => {
        const grants = await readGrants(client, options);
        if ((grants.length === 0) !== (options.none === true))
          throw new Failure("usage", "Say what they may do: --role, --grant, or --none alone");
        const { userId, name } = await findMember(client, which);
        await client.put("/api/v1/members/{id}/grants", { path: { id: userId }, body: { grants }, signal });
        const now = await findMember(client, userId);
        show(cli, options, { id: userId, ...now }, () => `${clean(name)} may ${grantsText(now.grants)} now.`);
      }),
    );
  group
    .command("remove")
    .argument("<member>", "e-mail address, name or id")
    .description("remove somebody; their sessions and tokens here end at once")
    .addHelpText("after", examples("devflow members remove bob@example.com --yes"))
    .action(
      call<object, [string]>(cli, async ({ client, options, words: [which] }) => {
        const { userId, name, email } = await findMember(client, which);
        await confirm(terminal, options.yes, `Remove ${clean(name)}? Their sessions and API tokens here end at once.`, email);
        await client.delete("/api/v1/members/{id}", { path: { id: userId }, signal });
        show(cli, options, { id: userId, removed: true }, () => `${clean(name)} is removed.`);
      }),
    );
};
