import { Command, CommanderError } from "commander";
import type { AddCommand, Cli } from "./command.ts";
import { admin, runAdmin } from "./commands/admin.ts";
import { completion } from "./commands/completion.ts";
import { contexts } from "./commands/contexts.ts";
import { enrol, enrolmentTokens } from "./commands/enrol.ts";
import { audit } from "./commands/audit.ts";
import { events } from "./commands/events.ts";
import { invitations } from "./commands/invitations.ts";
import { members } from "./commands/members.ts";
import { organizations } from "./commands/organizations.ts";
import { rolesCommand } from "./commands/roles.ts";
import { serviceAccounts } from "./commands/service-accounts.ts";
import { settings } from "./commands/settings.ts";
import { teams } from "./commands/teams.ts";
import { users } from "./commands/users.ts";
import { views } from "./commands/views.ts";
import { webhooks } from "./commands/webhooks.ts";
import { groups } from "./commands/groups.ts";
import { login } from "./commands/login.ts";
import { logout } from "./commands/logout.ts";
import { mcp } from "./commands/mcp.ts";
import { metrics } from "./commands/metrics.ts";
import { servers } from "./commands/servers.ts";
import { tags } from "./commands/tags.ts";
import { tokens } from "./commands/tokens.ts";
import { top } from "./commands/top.ts";
import { whoami } from "./commands/whoami.ts";
import { exitCodes } from "./failure.ts";
import { reportError } from "./report-error.ts";
import { version } from "./version.ts";

/** Every command by its word, in the order of the help; one file each. */
const commands: Readonly<Record<string, AddCommand>> = {
  login,
  logout,
  contexts,
  whoami,
  servers,
  groups,
  tags,
  views,
  metrics,
  top,
  events,
  webhooks,
  audit,
  organizations,
  members,
  teams,
  roles: rolesCommand,
  invitations,
  tokens,
  "service-accounts": serviceAccounts,
  enrol,
  "enrolment-tokens": enrolmentTokens,
  settings,
  users,
  mcp,
  completion,
  admin,
};

/**
 * The commands without running any.
 * @param word the one that is meant: making all of them takes 10 ms of each start; another word, or none: all
 */
export function createProgram(cli: Cli, word = ""): Command {
  const { terminal } = cli;
  const program = new Command("devflow")
    .description("Servers, their metrics and who may do what, from the terminal.")
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "print help")
    .helpCommand("help [command]", "print help of a command")
    .option("--json", "print JSON")
    .option("-q, --quiet", "print ids alone, and nothing of what was done")
    .option("--context <name>", "use another controller than the current one")
    .option("--organization <name>", "use another organisation of this controller, that you are signed in to")
    .option("-y, --yes", "do not ask")
    .option("--no-color", "no colours (also: NO_COLOR=1)")
    .configureHelp({ showGlobalOptions: true })
    .showSuggestionAfterError(true)
    .exitOverride()
    .configureOutput({
      writeOut: terminal.out,
      writeErr: terminal.err,
      getOutHelpWidth: () => Math.min(terminal.columns, 110),
      getErrHelpWidth: () => Math.min(terminal.columns, 110),
    })
    .addHelpText(
      "after",
      `
Begin with: devflow login https://devflow.example.com
In scripts set DEVFLOW_URL and DEVFLOW_TOKEN instead.

Exit codes: 0 done, 1 failed, 2 wrong use, 3 not signed in, 4 not allowed, 5 not found, 6 controller not reachable, 130 interrupted.`,
    );
  const meant = Object.hasOwn(commands, word) ? [commands[word] as AddCommand] : Object.values(commands);
  for (const add of meant) add(program, cli);
  return program;
}

/** Runs one command line; gives the exit code. */
export async function runCli(argv: readonly string[], cli: Cli): Promise<number> {
  const isCompletion = argv[0] === "completion" || argv[0] === "__complete";
  const program = createProgram(cli, isCompletion ? "" : argv[0]);
  try {
    if (argv.length === 0) {
      cli.terminal.out(program.helpInformation());
      return 0;
    }
    if (argv[0] === "admin") return await runAdmin(argv.slice(1), cli);
    await program.parseAsync(argv, { from: "user" });
    return cli.signal.aborted ? exitCodes.interrupted : 0;
  } catch (error) {
    // Commander has said it already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage;
    if (cli.signal.aborted) return exitCodes.interrupted;
    return reportError(error, cli.terminal, argv.includes("--json"));
  }
}
