import { type AddCommand, clientFor, examples } from "../command.ts";
import type { GlobalOptions } from "../session.ts";

export const mcp: AddCommand = (program, cli) => {
  program
    .command("mcp")
    .description("a Model Context Protocol server on stdin and stdout; reads only")
    .option("--allow-changes", "tools that change something too")
    .addHelpText("after", examples("claude mcp add devflow -- devflow mcp", "devflow mcp --context production --allow-changes"))
    .action(async (_, command: typeof program) => {
      const options = command.optsWithGlobals<GlobalOptions & { allowChanges?: boolean }>();
      const client = await clientFor(cli, options);
      // Loaded for this command alone: it is larger than all the rest.
      const { serveMcp } = await import("../mcp/serve.ts");
      await serveMcp(client, {
        allowChanges: options.allowChanges === true,
        input: cli.terminal.input,
        output: cli.terminal.output,
        signal: cli.signal,
      });
    });
};
