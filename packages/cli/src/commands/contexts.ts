import { type AddCommand, examples, show } from "../command.ts";
import { credentialsPath, readCredentials, writeCredentials } from "../credentials.ts";
import { Failure } from "../failure.ts";
import { table } from "../output/table.ts";
import type { GlobalOptions } from "../session.ts";

export const contexts: AddCommand = (program, cli) => {
  const { terminal } = cli;
  const path = credentialsPath(terminal.env);
  const known = async (name: string) => {
    const credentials = await readCredentials(path);
    if (credentials.contexts[name] === undefined)
      throw new Failure(
        "notFound",
        `There is no context "${name}"`,
        `There are: ${Object.keys(credentials.contexts).join(", ") || "none"}`,
      );
    return credentials;
  };
  const group = program.command("contexts").description("the controllers that you are signed in to");
  group
    .command("list", { isDefault: true })
    .description("list them")
    .addHelpText("after", examples("devflow contexts list"))
    .action(async (_, command: typeof program) => {
      const { current, contexts: all } = await readCredentials(path);
      const items = Object.entries(all).map(([name, { url }]) => ({ name, url, current: name === current }));
      show(cli, command.optsWithGlobals<GlobalOptions>(), { items }, () =>
        items.length === 0
          ? "None. Sign in with: devflow login https://YOUR-CONTROLLER"
          : table(
              items,
              [
                { title: "", value: (row) => (row.current ? "*" : " ") },
                { title: "NAME", value: (row) => row.name },
                { title: "CONTROLLER", value: (row) => row.url },
              ],
              terminal.style,
            ),
      );
    });
  group
    .command("use")
    .argument("<context>", "its name")
    .description("make one the current one")
    .addHelpText("after", examples("devflow contexts use production"))
    .action(async (name: string) => {
      const credentials = await known(name);
      await writeCredentials(path, { ...credentials, current: name });
      terminal.err(`${name} (${credentials.contexts[name]?.url}) is the current context now.\n`);
    });
  group
    .command("remove")
    .argument("<context>", "its name")
    .description("forget one; its token stays valid (devflow logout ends it)")
    .addHelpText("after", examples("devflow contexts remove production"))
    .action(async (name: string) => {
      const { current, contexts: all } = await known(name);
      const { [name]: _gone, ...rest } = all;
      await writeCredentials(path, { current: current === name ? (Object.keys(rest)[0] ?? null) : current, contexts: rest });
      terminal.err(`${name} is forgotten.\n`);
    });
};
