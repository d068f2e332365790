import { type AddCommand, clientFor, examples, show } from "../command.ts";
import { Failure } from "../failure.ts";
import { findServer } from "../find-server.ts";
import { readTime } from "../output/time.ts";
import type { GlobalOptions } from "../session.ts";

interface Options extends GlobalOptions {
  readonly name?: string;
  readonly uses: number;
  readonly expires: number;
  readonly replaces?: string;
  readonly short?: boolean;
}

const readUses = (text: string): number => {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new Failure("usage", `--uses: expected 1 to 10000, got ${text}`);
  return Number(text);
};
const readMinutes = (text: string): number => {
  const since = /^\d+(m|min|h|d|w)$/.test(text) ? readTime(text, 0) : null;
  if (since === null) throw new Failure("usage", `--expires: expected a time such as 30m, 1h or 7d, got ${text}`);
  return Math.max(1, Math.round(-since.getTime() / 60_000));
};

export const enrol: AddCommand = (program, cli) => {
  program
    .command("enrol")
    .alias("enroll")
    .description("make an enrolment token; prints the line to paste on the server, alone on stdout")
    .option("--name <name>", "what the token is for")
    .option("--uses <n>", "how many servers", readUses, 1)
    .option("--expires <time>", "30m, 1h, 7d", readMinutes, 60)
    .option("--replaces <server>", "the machine takes this server's place and keeps its history")
    .option("--short", "the line that stands on the public certificate")
    .addHelpText("after", examples("devflow enrol", 'ssh web-1 "$(devflow enrol)"', "devflow enrol --uses 20 --expires 7d --name rack-4"))
    .action(async (_, command: typeof program) => {
      const options = command.optsWithGlobals<Options>();
      const client = await clientFor(cli, options);
      const replaces = options.replaces === undefined ? {} : { replacesServerId: (await findServer(client, options.replaces)).id };
      const made = await client.post("/api/v1/enrolment-tokens", {
        body: {
          ...(options.name === undefined ? {} : { name: options.name }),
          maxUses: options.uses,
          expiresInMinutes: options.expires,
          ...replaces,
        },
        signal: cli.signal,
      });
      if (options.short === true && made.shortCommand === null)
        throw new Failure("failure", "This controller has no public https address, so there is no short line", "Leave --short out");
      if (options.json !== true)
        cli.terminal.err(`For ${options.uses === 1 ? "one server" : `${options.uses} servers`}. Paste on the server:\n`);
      show(cli, options, made, () => (options.short === true ? (made.shortCommand as string) : made.command));
    });
};
