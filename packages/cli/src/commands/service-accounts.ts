import type { Client, components } from "@devflow/client";
import { type AddCommand, call, examples, show, showList } from "../command.ts";
import { type GrantOptions, grantOptions, grantsText, readGrants } from "../grants.ts";
import { clean } from "../output/style.ts";
import { facts } from "../output/table.ts";
import { ago, at } from "../output/time.ts";
import { all, pick } from "../pick.ts";
import { changes } from "../read-option.ts";
import { confirm } from "../terminal.ts";

type Account = components["schemas"]["ServiceAccount"];

/** By name or id. Throws Failure, DevFlowError. */
export const findServiceAccount = async (client: Client, which: string): Promise<Account> =>
  pick(await all(client.list("/api/v1/service-accounts")), which, "service account", "devflow service-accounts list");

export const serviceAccounts: AddCommand = (program, cli) => {
  const { terminal, signal } = cli;
  const group = program.command("service-accounts").description("accounts of programs, with tokens of their own");
  group
    .command("list", { isDefault: true })
    .description("service accounts with what they may do")
    .addHelpText("after", examples("devflow service-accounts list"))
    .action(
      call(cli, async ({ client, options }) => {
        showList<Account>(
          cli,
          options,
          await all(client.list("/api/v1/service-accounts", { signal })),
          [
            { title: "NAME", value: ({ name }) => name, flexible: true },
            { title: "ROLE", value: ({ grants }) => grantsText(grants) },
            { title: "TOKENS", value: ({ tokens }) => String(tokens), align: "right" },
            { title: "LAST USED", value: ({ lastUsedAt }) => ago(lastUsedAt, cli.now()), align: "right" },
            { title: "STATE", value: ({ disabledAt }) => (disabledAt === null ? "enabled" : "disabled") },
          ],
          "No service accounts. Make one with: devflow service-accounts create NAME --role deploy",
        );
      }),
    );
  group
    .command("show")
    .argument("<account>", "name or id")
    .description("one service account")
    .addHelpText("after", examples("devflow service-accounts show ci"))
    .action(
      call<object, [string]>(cli, async ({ client, options, words: [which] }) => {
        const { id } = await findServiceAccount(client, which);
        const found = await client.get("/api/v1/service-accounts/{id}", { path: { id }, signal });
        show(cli, options, found, () =>
          facts(
            [
              ["name", terminal.style.bold(clean(found.name))],
              ["id", found.id],
              ["description", clean(found.description) || "–"],
              ["may", grantsText(found.grants)],
              ["state", found.disabledAt === null ? "enabled" : `disabled ${ago(found.disabledAt, cli.now())}`],
              ["tokens", String(found.tokens)],
              ["last used", ago(found.lastUsedAt, cli.now())],
              ["made", `${at(found.createdAt)}${found.createdBy === null ? "" : ` by ${clean(found.createdBy)}`}`],
            ],
            terminal.style,
          ),
        );
      }),
    );
  grantOptions(group.command("create").argument("<name>", "its name"))
    .option("--description <text>", "what it is for")
    .description("make a service account")
    .addHelpText("after", examples("devflow service-accounts create ci --role deploy --group Edge"))
    .action(
      call<GrantOptions & { description?: string }, [string]>(cli, async ({ client, options, words: [name] }) => {
        const { description } = options;
        const grants = await readGrants(client, options);
        const made = await client.post("/api/v1/service-accounts", {
          body: { name, grants, ...(description !== undefined && { description }) },
          signal,
        });
        show(cli, options, made, () => `${clean(made.name)} is there (${made.id}) and may ${grantsText(made.grants)}.`);
      }),
    );
  grantOptions(group.command("edit").argument("<account>", "name or id"))
    .option("--name <name>", "its new name")
    .option("--description <text>", "what it is for")
    .description("change a service account; roles that are given take the place of all it has")
    .addHelpText(
      "after",
      examples("devflow service-accounts edit ci --role view", "devflow service-accounts edit ci --grant deploy@group:Edge"),
    )
    .action(
      call<GrantOptions & { name?: string; description?: string }, [string]>(cli, async ({ client, options, words: [which] }) => {
        const given = await readGrants(client, options);
        const grants = given.length > 0 ? given : undefined;
        const body = changes({ name: options.name, description: options.description, grants }, "--name, --description, --role or --grant");
        const { id } = await findServiceAccount(client, which);
        const changed = await client.patch("/api/v1/service-accounts/{id}", { path: { id }, body, signal });
        show(cli, options, changed, () => `${clean(changed.name)} is changed and may ${grantsText(changed.grants)}.`);
      }),
    );
  for (const [verb, disabled, words] of [
    ["disable", true, "its tokens do nothing until it is enabled"],
    ["enable", false, "its tokens work again"],
  ] as const)
    group
      .command(verb)
      .argument("<account>", "name or id")
      .description(`${verb} a service account: ${words}`)
      .addHelpText("after", examples(`devflow service-accounts ${verb} ci`))
      .action(
        call<object, [string]>(cli, async ({ client, options, words: [which] }) => {
          const { id } = await findServiceAccount(client, which);
          const changed = await client.patch("/api/v1/service-accounts/{id}", { path: { id }, body: { disabled }, signal });
          show(cli, options, changed, () => `${clean(changed.name)} is ${verb}d: ${words}.`);
        }),
      );
  group
    .command("delete")
    .argument("<account>", "name or id")
    .description("delete a service account with its tokens")
    .addHelpText("after", examples("devflow service-accounts delete ci --yes"))
    .action(
      call<object, [string]>(cli, async ({ client, options, words: [which] }) => {
        const { id, name, tokens } = await findServiceAccount(client, which);
        await confirm(terminal, options.yes, `Delete the service account ${clean(name)} with its ${tokens} tokens?`, name);
        await client.delete("/api/v1/service-accounts/{id}", { path: { id }, signal });
        show(cli, options, { id, deleted: true }, () => `${clean(name)} is deleted.`);
      }),
    );
};
