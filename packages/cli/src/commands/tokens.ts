import { Option } from "commander";
import type { components } from "@devflow/client";
import { type AddCommand, clientFor, examples, show } from "../command.ts";
import { Failure } from "../failure.ts";
import { clean } from "../output/style.ts";
import { table } from "../output/table.ts";
import { ago } from "../output/time.ts";
import { roles } from "../roles.ts";
import type { GlobalOptions } from "../session.ts";
import { confirm } from "../terminal.ts";

type Token = components["schemas"]["ApiToken"];

/** "deploy", or "edit of Databases, view of Web" for parts of the organisation. */
export const whatItMay = ({ grants }: Pick<Token, "grants">): string =>
  grants
    .map(({ roleName, scope, scopeName }) => (scope.kind === "organization" ? roleName : `${roleName} of ${scopeName}`))
    .map(clean)
    .join(", ") || "nothing";

const readDays = (text: string): number | null => {
  if (text === "never") return null;
  const found = /^(\d{1,4})d?$/.exec(text);
  if (found === null) throw new Failure("usage", `--expires: expected days such as 90, or never, got ${text}`);
  return Number(found[1]);
};

export const tokens: AddCommand = (program, cli) => {
  const { terminal, signal } = cli;
  const group = program.command("tokens").description("API tokens");
  group
    .command("list", { isDefault: true })
    .description("tokens, newest first")
    .option("--all", "revoked and expired ones too")
    .action(async (_, command: typeof program) => {
      const options = command.optsWithGlobals<GlobalOptions & { all?: boolean }>();
      const client = await clientFor(cli, options);
      const items: Token[] = [];
      const alive = ({ revokedAt, expiresAt }: Token) => revokedAt === null && (expiresAt === null || Date.parse(expiresAt) > cli.now());
      for await (const token of client.list("/api/v1/tokens", { signal })) if (options.all === true || alive(token)) items.push(token);
      show(cli, options, { items }, () =>
        items.length === 0
          ? "No tokens."
          : table(
              items,
              [
                { title: "NAME", value: ({ name }) => name, flexible: true },
                { title: "ROLE", value: whatItMay },
                { title: "ID", value: ({ id }) => id },
                { title: "LAST USED", value: ({ lastUsedAt }) => ago(lastUsedAt, cli.now()), align: "right" },
                {
                  title: "ENDS",
                  value: ({ revokedAt, expiresAt }) =>
                    revokedAt !== null ? "revoked" : expiresAt === null ? "never" : ago(expiresAt, cli.now()),
                  align: "right",
                },
              ],
              terminal.style,
              terminal.isTty ? terminal.columns : Infinity,
            ),
      );
    });
  group
    .command("create")
    .argument("<name>", "what will use it")
    .description("make a token; prints the secret alone on stdout, once")
    .addOption(new Option("--role <role>", "what it may do").choices(roles).default("view"))
    .option("--expires <days>", "days, or never", readDays, 90)
    .addHelpText("after", examples("devflow tokens create ci --role deploy --expires 30", "TOKEN=$(devflow tokens create backup-check)"))
    .action(async (name: string, _, command: typeof program) => {
      const options = command.optsWithGlobals<GlobalOptions & { role: NonNullable<Token["role"]>; expires: number | null }>();
      const client = await clientFor(cli, options);
      const made = await client.post("/api/v1/tokens", {
        body: { name, role: options.role, expiresInDays: options.expires },
        signal,
      });
      if (options.json !== true)
        terminal.err(
          `${clean(made.token.name)}: "${whatItMay(made.token)}", ends ${made.token.expiresAt === null ? "never" : ago(made.token.expiresAt, cli.now())}. Shown this once:\n`,
        );
      show(cli, options, made, () => made.secret);
    });
  group
    .command("revoke")
    .argument("<token>", "id or name")
    .description("end a token at once")
    .action(async (which: string, _, command: typeof program) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const client = await clientFor(cli, options);
      const found: Token[] = [];
      for await (const token of client.list("/api/v1/tokens", { signal })) {
        if (token.id === which.toLowerCase() || (token.name === which && token.revokedAt === null)) found.push(token);
      }
      const [token] = found;
      if (token === undefined) throw new Failure("notFound", `There is no token "${which}"`, "devflow tokens list shows all");
      if (found.length > 1)
        throw new Failure(
          "usage",
          `${found.length} tokens are called "${which}"; name one by its id`,
          found.map(({ id }) => `  ${id}`).join("\n"),
        );
      await confirm(
        terminal,
        options.yes,
        `Revoke ${clean(token.name)} (${whatItMay(token)}, last used ${ago(token.lastUsedAt, cli.now())})?`,
      );
      await client.delete("/api/v1/tokens/{id}", { path: { id: token.id }, signal });
      show(cli, options, { id: token.id, revoked: true }, () => `${clean(token.name)} is revoked.`);
    });
};
