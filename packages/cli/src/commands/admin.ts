import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type AddCommand, type Cli, examples } from "../command.ts";
import { Failure } from "../failure.ts";

/** The controller's own bundle, when this file lies beside it: in an image, a package, a checkout. */
const controller = fileURLToPath(new URL("../controller/main.js", import.meta.url));

/**
 * `devflow admin …` works on the database itself, so it runs on the controller's machine with the controller's settings
 * and not over the API: handed over as it is. Gives the controller's exit code.
 */
export async function runAdmin(args: readonly string[], cli: Cli): Promise<number> {
  if (!existsSync(controller))
    throw new Failure(
      "usage",
      "devflow admin works on the database itself, and there is no controller beside this command",
      "Run it on the controller's machine, in its container or checkout",
    );
  const child = spawn(process.execPath, [controller, "admin", ...args], { stdio: "inherit", env: { ...cli.terminal.env } });
  return new Promise<number>((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code) => resolve(code ?? 1));
  });
}

/** For the help; runCli hands the words over before anything else reads them. */
export const admin: AddCommand = (program) => {
  program
    .command("admin")
    .argument("[arguments...]")
    .description("work on the controller's database; on its own machine, with its settings")
    .addHelpText("after", examples("devflow admin verify-audit"));
};
