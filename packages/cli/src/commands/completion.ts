import { Argument } from "commander";
import { type AddCommand, clientFor, examples } from "../command.ts";
import { complete, type Names } from "../complete.ts";
import { credentialsPath, readCredentials } from "../credentials.ts";
import { grantsText } from "../grants.ts";

const scripts = {
  // Nothing that comes back is evaluated, neither what was typed nor the servers' names.
  bash: `_devflow() {
  local line
  COMPREPLY=()
  while IFS=$'\\t' read -r line _; do
    [ -n "$line" ] && COMPREPLY+=("$(printf '%q' "$line")")
  done < <(devflow __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _devflow devflow
`,
  zsh: `#compdef devflow
_devflow() {
  local line
  local -a values texts
  for line in "\${(@f)$(devflow __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ -n $line ]] || continue
    values+=("\${line%%$'\\t'*}")
    texts+=("\${line//$'\\t'/  }")
  done
  (( \${#values} )) && compadd -l -d texts -a values
}
compdef _devflow devflow
`,
  fish: `complete -c devflow -f -a '(devflow __complete -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'
`,
} as const;

export const completion: AddCommand = (program, cli) => {
  const { terminal } = cli;
  program
    .command("completion")
    .addArgument(new Argument("<shell>", "which one").choices(Object.keys(scripts)))
    .description(
      "print what makes the shell complete commands, and names of servers, groups, tags, teams, organisations, tokens and contexts",
    )
    .addHelpText(
      "after",
      examples(
        "devflow completion bash > ~/.local/share/bash-completion/completions/devflow",
        "source <(devflow completion zsh)",
        "devflow completion fish > ~/.config/fish/completions/devflow.fish",
      ),
    )
    .action((shell: keyof typeof scripts) => terminal.out(scripts[shell]));

  const names: Names = {
    async servers(prefix) {
      const client = await clientFor(cli, {});
      // A key press does not wait for a slow controller.
      const { items } = await client.get("/api/v1/servers", { query: { search: prefix, limit: 100 }, signal: AbortSignal.timeout(1_500) });
      return items.map(({ name, state, hostname }) => [name, hostname === name ? state : `${hostname}, ${state}`]);
    },
    async tokens() {
      const client = await clientFor(cli, {});
      const { items } = await client.get("/api/v1/tokens", { query: { limit: 100 }, signal: AbortSignal.timeout(1_500) });
      return items.filter(({ revokedAt }) => revokedAt === null).map((token) => [token.name, grantsText(token.grants)]);
    },
    async groups() {
      const { items } = await (await clientFor(cli, {})).get("/api/v1/groups", { signal: AbortSignal.timeout(1_500) });
      return items.map(({ name, description }) => [name, description]);
    },
    async tags() {
      const { items } = await (await clientFor(cli, {})).get("/api/v1/tags", { signal: AbortSignal.timeout(1_500) });
      return items.map(({ name, description }) => [name, description]);
    },
    async teams() {
      const { items } = await (await clientFor(cli, {})).get("/api/v1/teams", { signal: AbortSignal.timeout(1_500) });
      return items.map(({ name, description }) => [name, description]);
    },
    async organizations() {
      const { contexts } = await readCredentials(credentialsPath(terminal.env));
      return Object.values(contexts).flatMap(({ url, organization }) =>
        organization === undefined ? [] : [[organization.name, url] as const],
      );
    },
    async contexts() {
      const { contexts } = await readCredentials(credentialsPath(terminal.env));
      return Object.entries(contexts).map(([name, { url }]) => [name, url]);
    },
  };
  program
    .command("__complete", { hidden: true })
    .argument("[words...]")
    .allowUnknownOption()
    .action(async (words: string[]) => {
      for (const [value, text] of await complete(program, words, names)) terminal.out(`${value}\t${text}\n`);
    });
};
