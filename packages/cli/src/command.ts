import type { Client } from "@devflow/client";
import type { Command } from "commander";
import { clean } from "./output/style.ts";
import { type Column, table } from "./output/table.ts";
import { type GlobalOptions, openClient } from "./session.ts";
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

/** One run of a command that asks the controller. */
interface Call<O, W> {
  readonly client: Client;
  readonly options: O & GlobalOptions;
  /** Its arguments. */
  readonly words: W;
}

/** An action of commander's: opens the client of the context that is meant first. */
export function call<O extends object, W extends readonly unknown[] = []>(cli: Cli, work: (given: Call<O, W>) => Promise<void>) {
  return async (...given: unknown[]): Promise<void> => {
    const command = given.at(-1) as Command;
    const options = command.optsWithGlobals<O & GlobalOptions>();
    await work({ client: await clientFor(cli, options), options, words: command.processedArgs as unknown as W });
  };
}

/** JSON for programs, or text for people; with --quiet the ids, or nothing. */
export function show(cli: Cli, options: GlobalOptions, value: unknown, text: () => string): void {
  if (options.json === true) cli.terminal.out(`${JSON.stringify(value, null, 2)}\n`);
  else if (options.quiet === true) for (const id of idsOf(value)) cli.terminal.out(`${clean(id)}\n`);
  else cli.terminal.out(`${text()}\n`);
}

function idsOf(value: unknown): string[] {
  const { items, id } = (value ?? {}) as { items?: unknown; id?: unknown };
  if (Array.isArray(items)) return items.flatMap(idsOf);
  return typeof id === "string" ? [id] : [];
}

/** A list as a table as wide as the terminal. @param none said instead of an empty table */
export function showList<T>(cli: Cli, options: GlobalOptions, items: readonly T[], shape: readonly Column<T>[], none: string): void {
  const { terminal } = cli;
  show(cli, options, { items }, () =>
    items.length === 0 ? none : table(items, shape, terminal.style, terminal.isTty ? terminal.columns : Infinity),
  );
}

/** Something that happened, for people; on stderr, so that stdout holds answers alone. */
export function say(cli: Cli, options: GlobalOptions, text: string): void {
  if (options.json !== true && options.quiet !== true) cli.terminal.err(`${text}\n`);
}

/** "Examples" under a command's help. */
export const examples = (...lines: readonly string[]): string => `\nExamples:\n${lines.map((line) => `  $ ${line}`).join("\n")}\n`;
