import type { Command, Option } from "commander";
import { clean } from "./output/style.ts";
import { aliases, metricNames } from "./metric-names.ts";

type Candidate = readonly [value: string, description: string];

/** Where names come from that only the controller or the credentials file knows. Those that cannot be had are left out. */
export interface Names {
  servers(prefix: string): Promise<readonly Candidate[]>;
  groups(): Promise<readonly Candidate[]>;
  tags(): Promise<readonly Candidate[]>;
  teams(): Promise<readonly Candidate[]>;
  organizations(): Promise<readonly Candidate[]>;
  tokens(): Promise<readonly Candidate[]>;
  contexts(): Promise<readonly Candidate[]>;
}

/** A word as a shell hands it over while it is typed: quotes and backslashes are still there. */
const unquote = (word: string): string => word.replaceAll(/\\(.)|["']/g, "$1");

/**
 * What may stand in the place of the last word.
 * @param words all after "devflow", the last one being typed, perhaps empty
 */
export async function complete(program: Command, words: readonly string[], names: Names): Promise<Candidate[]> {
  const typed = unquote(words.at(-1) ?? "");
  let command = program;
  let position = 0;
  let pending: Option | undefined;
  for (const word of words.slice(0, -1)) {
    if (pending !== undefined) {
      pending = undefined;
      continue;
    }
    if (word.startsWith("-")) {
      const option = optionsOf(command).find(({ long, short }) => word === long || word === short);
      if (option !== undefined && option.required) pending = option;
      continue;
    }
    const sub = position === 0 ? command.commands.find((one) => one.name() === word || one.aliases().includes(word)) : undefined;
    if (sub === undefined) position += 1;
    else command = sub;
  }
  const inline = /^(--[a-z-]+)=(.*)$/s.exec(typed);
  const found =
    inline !== null
      ? (
          await valuesOf(
            optionsOf(command).find(({ long }) => long === inline[1]),
            inline[2] as string,
            names,
          )
        ).map(([value, text]): Candidate => [`${inline[1]}=${value}`, text])
      : pending !== undefined
        ? await valuesOf(pending, typed, names)
        : typed.startsWith("-")
          ? optionsOf(command).map(({ long, description }): Candidate => [long ?? "", description])
          : [...(position === 0 ? subcommands(command) : []), ...(await argumentsOf(command, position, typed, names))];
  return found
    .filter(([value]) => value !== "" && value.toLowerCase().startsWith(typed.toLowerCase()))
    .slice(0, 200)
    .map(([value, text]) => [clean(value), clean(text)]);
}

const optionsOf = (command: Command): Option[] => {
  const all: Option[] = [];
  for (let at: Command | null = command; at !== null; at = at.parent) all.push(...at.createHelp().visibleOptions(at));
  return all.filter(({ long }, i) => all.findIndex((other) => other.long === long) === i);
};

const subcommands = (command: Command): Candidate[] =>
  command
    .createHelp()
    .visibleCommands(command)
    .map((sub) => [sub.name(), sub.description()]);

async function argumentsOf(command: Command, position: number, typed: string, names: Names): Promise<readonly Candidate[]> {
  const argument = command.registeredArguments[position];
  if (argument === undefined) return [];
  if (argument.argChoices !== undefined) return argument.argChoices.map((value): Candidate => [value, ""]);
  return dynamic(argument.name(), typed, names);
}

async function valuesOf(option: Option | undefined, typed: string, names: Names): Promise<readonly Candidate[]> {
  if (option === undefined) return [];
  if (option.argChoices !== undefined) return option.argChoices.map((value): Candidate => [value, ""]);
  if (option.long === "--metrics") {
    // The last of several, separated by commas.
    const before = typed.slice(0, typed.lastIndexOf(",") + 1);
    return [...Object.keys(aliases), ...metricNames].map((name): Candidate => [before + name, aliases[name]?.join(", ") ?? ""]);
  }
  return dynamic(option.long === "--replaces" ? "server" : (option.long ?? "").slice(2), typed, names);
}

async function dynamic(kind: string, typed: string, names: Names): Promise<readonly Candidate[]> {
  try {
    if (kind === "server" || kind === "servers") return await names.servers(typed);
    if (kind === "group") return await names.groups();
    if (kind === "tag" || kind === "add" || kind === "remove") return await names.tags();
    if (kind === "team" || kind === "join") return await names.teams();
    if (kind === "organization") return await names.organizations();
    if (kind === "token") return await names.tokens();
    if (kind === "context") return await names.contexts();
  } catch {
    // Not signed in, or the controller is away: no names, and no message in the middle of what is typed.
  }
  return [];
}
