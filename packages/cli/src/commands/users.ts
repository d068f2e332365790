import type { components } from "@devflow/client";
import { type AddCommand, call, examples, show, showList } from "../command.ts";
import { findUser } from "../find-people.ts";
import { clean } from "../output/style.ts";
import { ago } from "../output/time.ts";
import { all } from "../pick.ts";
import { confirm } from "../terminal.ts";

type User = components["schemas"]["InstallationUser"];

const factorNames = { hasPassword: "password", totp: "authenticator", passkey: "passkey", linked: "provider" } as const;
const factorsText = ({ factors }: User) =>
  (Object.keys(factorNames) as (keyof typeof factorNames)[])
    .filter((name) => factors[name])
    .map((name) => factorNames[name])
    .join(", ") || "none";
const stateText = ({ disabledAt, installationAdministrator }: User) =>
  disabledAt !== null ? "disabled" : installationAdministrator ? "administrator" : "";

export const users: AddCommand = (program, cli) => {
  const { terminal, signal } = cli;
  const group = program.command("users").description("users of the whole installation, for its administrators");
  const who = (name: string) => group.command(name).argument("<user>", "e-mail address, name or id");
  group
    .command("list", { isDefault: true })
    .option("--search <text>", "part of the name or e-mail address")
    .option("--sort <by>", "name, email or lastSignInAt; -lastSignInAt is the newest first")
    .option("--disabled", "those who are disabled")
    .option("--administrators", "administrators of the installation")
    .description("users with their ways in and when they signed in last")
    .addHelpText("after", examples("devflow users list --sort -lastSignInAt", "devflow users list --administrators"))
    .action(
      call<{ search?: string; sort?: string; disabled?: boolean; administrators?: boolean }>(cli, async ({ client, options }) => {
        const query = {
          search: options.search,
          sort: options.sort as "email" | undefined,
          state: options.disabled === true ? ("disabled" as const) : undefined,
          administrators: options.administrators === true ? ("true" as const) : undefined,
        };
        showList(
          cli,
          options,
          await all(client.list("/api/v1/users", { query, signal })),
          [
            { title: "NAME", value: ({ name }) => name, flexible: true },
            { title: "E-MAIL", value: ({ email }) => email },
            { title: "STATE", value: stateText },
            { title: "WAYS IN", value: factorsText },
            { title: "ORGANIZATIONS", value: ({ organizations }) => String(organizations), align: "right" },
            { title: "SIGNED IN", value: ({ lastSignInAt }) => ago(lastSignInAt, cli.now()), align: "right" },
          ],
          "Nobody is like that.",
        );
      }),
    );
  who("sign-out")
    .option("--tokens", "end their API tokens too")
    .description("end all sessions of somebody, in all organisations")
    .addHelpText("after", examples("devflow users sign-out bob@example.com --tokens"))
    .action(
      call<{ tokens?: boolean }, [string]>(cli, async ({ client, options, words: [which] }) => {
        const { id, name } = await findUser(client, which);
        const body = { tokens: options.tokens === true };
        const ended = await client.post("/api/v1/users/{id}/sign-out", { path: { id }, body, signal });
        show(cli, options, { id, ...ended }, () => `${clean(name)} is signed out: ${ended.sessions} sessions, ${ended.tokens} API tokens.`);
      }),
    );
  /** A command that changes one thing of a user. */
  const change = (
    name: string,
    description: string,
    body: components["schemas"]["UpdateInstallationUser"],
    done: string,
    question: string | null = null,
  ) =>
    who(name)
      .description(description)
      .addHelpText("after", examples(`devflow users ${name} bob@example.com${question === null ? "" : " --yes"}`))
      .action(
        call<object, [string]>(cli, async ({ client, options, words: [which] }) => {
          const { id, name: called, email } = await findUser(client, which);
          if (question !== null) await confirm(terminal, options.yes, question.replace("$", clean(called)), email);
          const user = await client.patch("/api/v1/users/{id}", { path: { id }, body, signal });
          show(cli, options, user, () => `${clean(called)} ${done}.`);
        }),
      );
  change(
    "disable",
    "let somebody in by no way any more; sessions and API tokens end at once",
    { disabled: true },
    "is disabled",
    "Disable $? Their sessions and API tokens end at once, everywhere.",
  );
  change("enable", "let somebody in again; ended API tokens stay ended", { disabled: false }, "is enabled");
  change(
    "promote",
    "make somebody an administrator of the installation",
    { installationAdministrator: true },
    "is an administrator of the installation",
  );
  change(
    "demote",
    "somebody is no administrator of the installation any more",
    { installationAdministrator: false },
    "is no administrator of the installation any more",
  );
  who("remove")
    .description("remove somebody from the installation, with all that is theirs")
    .addHelpText("after", examples("devflow users remove bob@example.com --yes"))
    .action(
      call<object, [string]>(cli, async ({ client, options, words: [which] }) => {
        const { id, name, email } = await findUser(client, which);
        const question = `Remove ${clean(name)} from the installation? Account, memberships, API tokens and saved views are gone for good.`;
        await confirm(terminal, options.yes, question, email);
        await client.delete("/api/v1/users/{id}", { path: { id }, signal });
        show(cli, options, { id, removed: true }, () => `${clean(name)} is removed.`);
      }),
    );
};
