import { type AddCommand, clientFor, examples, show } from "../command.ts";
import { clean } from "../output/style.ts";
import { facts } from "../output/table.ts";
import type { GlobalOptions } from "../session.ts";

export const whoami: AddCommand = (program, cli) => {
  program
    .command("whoami")
    .description("who you are, where, and what you may do")
    .addHelpText("after", examples("devflow whoami --json | jq '.permissions[].permission'"))
    .action(async (_, command: typeof program) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const client = await clientFor(cli, options);
      const me = await client.get("/api/v1/me", { signal: cli.signal });
      show(cli, options, { url: client.url, ...me }, () =>
        facts(
          [
            ["controller", `${client.url} (version ${clean(me.version)})`],
            ["you", me.user === null ? "an API token" : clean(`${me.user.name} <${me.user.email}>`)],
            ["organisation", clean(me.organization.name)],
            ["role", me.role ?? "in parts of the organisation only"],
          ],
          cli.terminal.style,
        ),
      );
    });
};
