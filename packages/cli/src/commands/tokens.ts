import { Option } from "commander";
import type { components } from "@devflow/client";
import { type AddCommand, call, examples, say, show, showList } from "../command.ts";
import { type GrantOptions, grantOptions, grantsText, readGrants } from "../grants.ts";
import { clean } from "../output/style.ts";
import { ago } from "../output/time.ts";
import { all, pick } from "../pick.ts";
import { readDays } from "../read-option.ts";
import { confirm } from "../terminal.ts";
import { findServiceAccount } from "./service-accounts.ts";

type Token = components["schemas"]["ApiToken"];

export const tokens: AddCommand = (program, cli) => {
  const { terminal, signal } = cli;
  const group = program.command("tokens").description("API tokens");
  group
    .command("list", { isDefault: true })
    .description("tokens, newest first")
    .option("--all", "revoked and expired ones too")
    .option("--mine", "your own only")
    .addOption(new Option("--state <state>", "only these").choices(["active", "expired", "revoked"]))
    .option("--service-account <account>", "those of this service account: its name or id")
    .option("--search <text>", "part of the name")
    .addHelpText("after", examples("devflow tokens list --service-account ci", "devflow tokens list --state expired --json"))
    .action(
      call<{ all?: boolean; mine?: boolean; state?: "active"; serviceAccount?: string; search?: string }>(
        cli,
        async ({ client, options }) => {
          const { serviceAccount, search } = options;
          const query = {
            state: options.state ?? (options.all === true ? undefined : ("active" as const)),
            mine: options.mine === true ? ("true" as const) : undefined,
            serviceAccountId: serviceAccount === undefined ? undefined : (await findServiceAccount(client, serviceAccount)).id,
            search,
          };
          const items = await all(client.list("/api/v1/tokens", { query, signal }));
          showList<Token>(
            cli,
            options,
            items,
            [
              { title: "NAME", value: ({ name }) => name, flexible: true },
              { title: "ROLE", value: ({ grants }) => grantsText(grants) },
              { title: "OF", value: ({ holder }) => holder.name },
              { title: "ID", value: ({ id }) => id },
              { title: "LAST USED", value: ({ lastUsedAt }) => ago(lastUsedAt, cli.now()), align: "right" },
              {
                title: "ENDS",
                value: ({ revokedAt, expiresAt }) =>
                  revokedAt !== null ? "revoked" : expiresAt === null ? "never" : ago(expiresAt, cli.now()),
                align: "right",
              },
            ],
            "No tokens.",
          );
        },
      ),
    );
  grantOptions(group.command("create").argument("<name>", "what will use it"))
    .description('make a token; prints the secret alone on stdout, once. Role "view" unless another is given')
    .option("--expires <days>", "days, or never; default 90, or with the token that makes it", readDays)
    .option("--service-account <account>", "for a service account: its name or id")
    .addHelpText(
      "after",
      examples(
        "devflow tokens create ci --role deploy --group Edge --expires 30",
        "TOKEN=$(devflow tokens create backup-check)",
        "devflow tokens create robot --service-account ci --role view --grant deploy@team:Ops",
      ),
    )
    .action(
      call<GrantOptions & { expires?: number | null; serviceAccount?: string }, [string]>(
        cli,
        async ({ client, options, words: [name] }) => {
          const given = await readGrants(client, options);
          const grants = given.length > 0 ? given : [{ role: "view" as const, scope: { kind: "organization" as const } }];
          const account = options.serviceAccount === undefined ? undefined : await findServiceAccount(client, options.serviceAccount);
          const made = await client.post("/api/v1/tokens", {
            body: {
              name,
              grants,
              ...(options.expires !== undefined && { expiresInDays: options.expires }),
              ...(account !== undefined && { serviceAccountId: account.id }),
            },
            signal,
          });
          const { token } = made;
          say(
            cli,
            options,
            `${clean(token.name)}: "${grantsText(token.grants)}", ends ${token.expiresAt === null ? "never" : ago(token.expiresAt, cli.now())}. Shown this once:`,
          );
          show(cli, { ...options, quiet: false }, made, () => made.secret);
        },
      ),
    );
  group
    .command("revoke")
    .argument("<token>", "id or name")
    .description("end a token at once")
    .addHelpText("after", examples("devflow tokens revoke ci --yes"))
    .action(
      call<object, [string]>(cli, async ({ client, options, words: [which] }) => {
        const items = await all(client.list("/api/v1/tokens", { query: { state: "active" }, signal }));
        const token = pick(items, which, "token", "devflow tokens list");
        const question = `Revoke ${clean(token.name)} (${grantsText(token.grants)}, last used ${ago(token.lastUsedAt, cli.now())})?`;
        await confirm(terminal, options.yes, question, token.name);
        await client.delete("/api/v1/tokens/{id}", { path: { id: token.id }, signal });
        show(cli, options, { id: token.id, revoked: true }, () => `${clean(token.name)} is revoked.`);
      }),
    );
};
