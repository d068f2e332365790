import type { Permission } from "@devflow/api";
import { permissionTable } from "@devflow/api/permission-table";
import type { Client, components } from "@devflow/client";
import { type AddCommand, call, examples, show, showList } from "../command.ts";
import { Failure } from "../failure.ts";
import { readRole } from "../grants.ts";
import { clean } from "../output/style.ts";
import { table } from "../output/table.ts";
import { pick } from "../pick.ts";
import { changes } from "../read-option.ts";
import type { GlobalOptions } from "../session.ts";
import { confirm } from "../terminal.ts";

type CustomRole = components["schemas"]["CustomRole"];

const findRole = async (client: Client, which: string): Promise<CustomRole> =>
  pick((await client.get("/api/v1/roles")).items, which, "role", "devflow roles list");

/** Throws Failure for a permission that there is not. */
function readPermissions(texts: readonly string[]): Permission[] {
  const names = texts.flatMap((text) => text.split(","));
  const unknown = names.filter((name) => !Object.hasOwn(permissionTable, name));
  if (unknown.length > 0)
    throw new Failure("usage", `--permission: there is no ${clean(unknown.join(", "))}`, "devflow roles permissions shows all");
  return names as Permission[];
}

export const rolesCommand: AddCommand = (program, cli) => {
  const { terminal, signal } = cli;
  const group = program.command("roles").description("custom roles");
  group
    .command("list", { isDefault: true })
    .description("custom roles with their permissions")
    .addHelpText("after", examples("devflow roles list"))
    .action(
      call(cli, async ({ client, options }) => {
        const { items } = await client.get("/api/v1/roles", { signal });
        showList<CustomRole>(
          cli,
          options,
          items,
          [
            { title: "NAME", value: ({ name }) => name },
            { title: "USED BY", value: ({ usedBy }) => usedBy.join(", ") || "nobody" },
            { title: "PERMISSIONS", value: ({ permissions }) => permissions.join(", "), flexible: true },
          ],
          "No custom roles. There are always view, deploy, edit, admin and owner.",
        );
      }),
    );
  group
    .command("permissions")
    .description("all permissions, and from which built-in role on one has them")
    .addHelpText("after", examples("devflow roles permissions"))
    .action((_, command: typeof program) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const items = Object.entries(permissionTable).map(([id, facts]) => ({ id, ...facts }));
      show(cli, options, { items }, () =>
        table(
          items,
          [
            { title: "PERMISSION", value: ({ id }) => id },
            { title: "FROM", value: ({ role }) => role },
            {
              title: "FOR",
              value: ({ within }) => ({ part: "groups too", organization: "everything", installation: "administrators" })[within],
            },
            { title: "", value: ({ meaning }) => meaning, flexible: true },
          ],
          terminal.style,
          terminal.isTty ? terminal.columns : Infinity,
        ),
      );
    });
  group
    .command("create")
    .argument("<name>", "its name")
    .requiredOption("--permission <permission...>", "what it allows: servers.read, servers.edit")
    .option("--description <text>", "what it is for")
    .description("make a role")
    .addHelpText("after", examples("devflow roles create Auditor --permission audit.read events.read"))
    .action(
      call<{ permission: string[]; description?: string }, [string]>(cli, async ({ client, options, words: [name] }) => {
        const { description } = options;
        const body = { name, permissions: readPermissions(options.permission), ...(description !== undefined && { description }) };
        const made = await client.post("/api/v1/roles", { body, signal });
        show(cli, options, made, () => `${clean(name)} is there (${made.id}).`);
      }),
    );
  group
    .command("edit")
    .argument("<role>", "name or id")
    .option("--name <name>", "its new name")
    .option("--permission <permission...>", "all that it allows from now on")
    .option("--description <text>", "what it is for")
    .description("change a role, for all who hold it")
    .addHelpText("after", examples("devflow roles edit Auditor --permission audit.read"))
    .action(
      call<{ name?: string; permission?: string[]; description?: string }, [string]>(cli, async ({ client, options, words: [which] }) => {
        const permissions = options.permission === undefined ? undefined : readPermissions(options.permission);
        const body = changes(
          { name: options.name, description: options.description, permissions },
          "--name, --description or --permission",
        );
        const { id, name } = await findRole(client, which);
        await client.patch("/api/v1/roles/{id}", { path: { id }, body, signal });
        show(cli, options, { id, ...body }, () => `${clean(body.name ?? name)} is changed.`);
      }),
    );
  group
    .command("delete")
    .argument("<role>", "name or id")
    .option("--replacement <role>", "what its holders get instead; without it a role in use stays")
    .description("delete a role")
    .addHelpText("after", examples("devflow roles delete Auditor --replacement view --yes"))
    .action(
      call<{ replacement?: string }, [string]>(cli, async ({ client, options, words: [which] }) => {
        const { id, name, usedBy } = await findRole(client, which);
        const replacement = options.replacement === undefined ? undefined : await readRole(client, options.replacement);
        await confirm(
          terminal,
          options.yes,
          `Delete the role ${clean(name)}? It is used by: ${usedBy.map(clean).join(", ") || "nobody"}.`,
          name,
        );
        await client.delete("/api/v1/roles/{id}", { path: { id }, query: { replacement }, signal });
        show(cli, options, { id, deleted: true }, () => `${clean(name)} is deleted.`);
      }),
    );
};
