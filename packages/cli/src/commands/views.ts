import type { Client, components } from "@devflow/client";
import { Option } from "commander";
import { type AddCommand, call, examples, show, showList } from "../command.ts";
import { clean } from "../output/style.ts";
import { pick } from "../pick.ts";
import { changes } from "../read-option.ts";
import { confirm } from "../terminal.ts";

type View = components["schemas"]["SavedView"];
type Query = View["query"];

interface QueryOptions {
  readonly filter?: string;
  readonly sort?: string;
  readonly cards?: boolean;
  readonly by?: "group" | "tag";
}

const queryOf = ({ filter, sort, cards, by }: QueryOptions): Query => ({
  ...(filter !== undefined && { q: filter }),
  ...(sort !== undefined && { sort }),
  ...(cards === true && { view: "cards" as const }),
  ...(by !== undefined && { by }),
});
const queryText = ({ q, sort, view, by }: Query): string =>
  [q, sort === undefined ? "" : `sort ${sort}`, view ?? "", by === undefined ? "" : `by ${by}`].filter(Boolean).join(", ") || "everything";

const findView = async (client: Client, which: string): Promise<View> =>
  pick((await client.get("/api/v1/views")).items, which, "view", "devflow views list");

export const views: AddCommand = (program, cli) => {
  const { terminal, signal } = cli;
  const group = program.command("views").description("saved views of the web's list of servers");
  group
    .command("list", { isDefault: true })
    .description("your views and those that are shared")
    .addHelpText("after", examples("devflow views list"))
    .action(
      call(cli, async ({ client, options }) => {
        const { items } = await client.get("/api/v1/views", { signal });
        showList<View>(
          cli,
          options,
          items,
          [
            { title: "", value: ({ isDefault }) => (isDefault ? "*" : " ") },
            { title: "NAME", value: ({ name }) => name },
            { title: "OF", value: ({ mine, shared }) => `${mine ? "you" : "others"}${shared ? ", shared" : ""}` },
            { title: "SHOWS", value: ({ query }) => queryText(query), flexible: true },
          ],
          "No saved views. Make one with: devflow views create NAME --filter 'state:offline'",
        );
      }),
    );
  const queryOptions = (command: ReturnType<typeof group.command>) =>
    command
      .option("--filter <text>", "what the page's search field holds")
      .option("--sort <by>", "order of the page, such as -cpu")
      .option("--cards", "as cards")
      .addOption(new Option("--by <heading>", "under headings").choices(["group", "tag"]));
  queryOptions(group.command("create").argument("<name>", "its name"))
    .option("--shared", "for everybody of the organisation")
    .description("save a view")
    .addHelpText("after", examples("devflow views create Trouble --filter 'state:offline' --shared"))
    .action(
      call<QueryOptions & { shared?: boolean }, [string]>(cli, async ({ client, options, words: [name] }) => {
        const body = { name, query: queryOf(options), shared: options.shared === true };
        const made = await client.post("/api/v1/views", { body, signal });
        show(cli, options, made, () => `${clean(made.name)} is saved (${made.id}).`);
      }),
    );
  queryOptions(group.command("edit").argument("<view>", "name or id"))
    .option("--name <name>", "its new name")
    .option("--shared", "for everybody of the organisation")
    .option("--private", "for you alone")
    .description("change a view; what it shows is replaced as a whole")
    .addHelpText("after", examples("devflow views edit Trouble --private"))
    .action(
      call<QueryOptions & { name?: string; shared?: boolean; private?: boolean }, [string]>(
        cli,
        async ({ client, options, words: [which] }) => {
          const query = queryOf(options);
          const body = changes(
            {
              name: options.name,
              query: Object.keys(query).length > 0 ? query : undefined,
              shared: options.shared === true ? true : options.private === true ? false : undefined,
            },
            "--name, --filter, --sort, --cards, --by, --shared or --private",
          );
          const { id } = await findView(client, which);
          const changed = await client.patch("/api/v1/views/{id}", { path: { id }, body, signal });
          show(cli, options, changed, () => `${clean(changed.name)} is changed.`);
        },
      ),
    );
  group
    .command("default")
    .argument("<view>", 'name or id, or "none"')
    .description("begin your list of servers with it")
    .addHelpText("after", examples("devflow views default Trouble", "devflow views default none"))
    .action(
      call<object, [string]>(cli, async ({ client, options, words: [which] }) => {
        const viewId = which === "none" ? null : (await findView(client, which)).id;
        await client.put("/api/v1/me/default-view", { body: { viewId }, signal });
        show(cli, options, { viewId }, () =>
          viewId === null ? "Your list begins with everything." : `Your list begins with ${clean(which)}.`,
        );
      }),
    );
  group
    .command("delete")
    .argument("<view>", "name or id")
    .description("delete a view")
    .addHelpText("after", examples("devflow views delete Trouble --yes"))
    .action(
      call<object, [string]>(cli, async ({ client, options, words: [which] }) => {
        const { id, name } = await findView(client, which);
        await confirm(terminal, options.yes, `Delete the view ${clean(name)}?`, name);
        await client.delete("/api/v1/views/{id}", { path: { id }, signal });
        show(cli, options, { id, deleted: true }, () => `${clean(name)} is deleted.`);
      }),
    );
};
