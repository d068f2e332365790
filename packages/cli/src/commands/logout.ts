import { DevFlowError } from "@devflow/client";
import { type AddCommand, examples, show } from "../command.ts";
import { credentialsPath, readCredentials, writeCredentials } from "../credentials.ts";
import { Failure } from "../failure.ts";
import { clientOf, findContext, type GlobalOptions } from "../session.ts";

export const logout: AddCommand = (program, cli) => {
  program
    .command("logout")
    .description("end this sign-in: revoke its token and forget the context")
    .addHelpText("after", examples("devflow logout"))
    .option("--keep-token", "forget it here, and leave the token valid")
    .action(async (_, command: typeof program) => {
      const options = command.optsWithGlobals<GlobalOptions & { keepToken?: boolean }>();
      const { name, ...context } = await findContext(cli.terminal, options);
      if (name === null) throw new Failure("usage", "You are signed in by DEVFLOW_TOKEN", "Unset it; devflow tokens revoke ends it");
      if (options.keepToken !== true) {
        try {
          await clientOf(context).delete("/api/v1/me/token", { signal: cli.signal });
        } catch (error) {
          // Ended already: there is nothing to end.
          if (!(error instanceof DevFlowError) || error.code !== "unauthenticated") throw error;
        }
      }
      const path = credentialsPath(cli.terminal.env);
      const { current, contexts } = await readCredentials(path);
      const { [name]: _gone, ...rest } = contexts;
      await writeCredentials(path, { current: current === name ? (Object.keys(rest)[0] ?? null) : current, contexts: rest });
      if (options.json === true) show(cli, options, { context: name, revoked: options.keepToken !== true }, () => "");
      else cli.terminal.err(`Signed out of ${context.url}.\n`);
    });
};
