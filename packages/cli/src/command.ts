import type { Command } from "commander";
import { type GlobalOptions, openClient } from "./session.ts";
import type { Client } from "@devflow/client";
import type { Terminal } from "./terminal.ts";

/** What every command gets. */
export interface Cli {
  readonly terminal: Terminal;
  /** Milliseconds since 1970 UTC. */
  readonly now: () => number;
  /** Fires at Ctrl-C, and when nobody reads the output any more. */
  readonly signal: AbortSignal;
}

/** A file of commands/: adds itself to the program. */
export type AddCommand = (program: Command, cli: Cli) => void;

export const clientFor = (cli: Cli, options: GlobalOptions): Promise<Client> => openClient(cli.terminal, options);

/** JSON for programs, or text for people. */
export function show(cli: Cli, options: GlobalOptions, value: unknown, text: () => string): void {
  cli.terminal.out(`${options.json === true ? JSON.stringify(value, null, 2) : text()}\n`);
}

/** "Examples" under a command's help. */
export const examples = (...lines: readonly string[]): string => `\nExamples:\n${lines.map((line) => `  $ ${line}`).join("\n")}\n`;
