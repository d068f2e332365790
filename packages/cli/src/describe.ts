import type { Command } from "commander";
import { createProgram } from "./program.ts";
import { createTerminal } from "./terminal.ts";

/** A command as the documentation shows it. */
export interface Described {
  /** "servers rename <server> <new-name>" */
  readonly usage: string;
  readonly description: string;
  /** Long names of its own options. */
  readonly options: readonly string[];
}

/** All commands but the hidden ones, in the order of the help. */
export function describeCommands(): Described[] {
  const program = createProgram({ terminal: createTerminal(process, {}), now: () => 0, signal: new AbortController().signal });
  const of = (command: Command, path: string): Described[] =>
    command.commands.length > 0
      ? visible(command).flatMap((sub) => of(sub, `${path} ${sub.name()}`))
      : [
          {
            usage: [path.trim(), ...command.registeredArguments.map(argumentText)].join(" "),
            description: command.description(),
            options: command.options.map(({ long }) => long as string),
          },
        ];
  const visible = (command: Command) =>
    command
      .createHelp()
      .visibleCommands(command)
      .filter((sub) => sub.name() !== "help");
  return visible(program).flatMap((command) => of(command, command.name()));
}

const argumentText = (argument: Command["registeredArguments"][number]): string => {
  const name = argument.name() + (argument.variadic ? "..." : "");
  return argument.required ? `<${name}>` : `[${name}]`;
};
