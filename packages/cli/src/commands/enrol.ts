import type { components } from "@devflow/client";
import { type AddCommand, call, examples, say, show, showList } from "../command.ts";
import { Failure } from "../failure.ts";
import { findGroup } from "../find-group.ts";
import { findServer } from "../find-server.ts";
import { clean } from "../output/style.ts";
import { ago, readTime } from "../output/time.ts";
import { all, pick } from "../pick.ts";
import { wholeNumber } from "../read-option.ts";
import { confirm } from "../terminal.ts";

type Token = components["schemas"]["EnrolmentToken"];

interface Options {
  readonly name?: string;
  readonly uses: number;
  readonly expires: number;
  readonly replaces?: string;
  readonly group?: string;
  readonly tag?: string[];
  readonly short?: boolean;
}

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
    .option("--uses <n>", "how many servers", wholeNumber("--uses", 1, 10_000), 1)
    .option("--expires <time>", "30m, 1h, 7d", readMinutes, 60)
    .option("--replaces <server>", "the machine takes this server's place and keeps its history")
    .option("--group <group>", "servers begin in this group: its name or id")
    .option("--tag <tag...>", "servers begin with these tags")
    .option("--short", "the line that stands on the public certificate")
    .addHelpText(
      "after",
      examples("devflow enrol", 'ssh web-1 "$(devflow enrol)"', "devflow enrol --uses 20 --expires 7d --name rack-4 --group Edge"),
    )
    .action(
      call<Options>(cli, async ({ client, options }) => {
        const { name, uses, expires, replaces, group, tag, short } = options;
        const made = await client.post("/api/v1/enrolment-tokens", {
          body: {
            maxUses: uses,
            expiresInMinutes: expires,
            ...(name !== undefined && { name }),
            ...(replaces !== undefined && { replacesServerId: (await findServer(client, replaces)).id }),
            ...(group !== undefined && { groupId: (await findGroup(client, group)).id }),
            ...(tag !== undefined && { tags: tag }),
          },
          signal: cli.signal,
        });
        if (short === true && made.shortCommand === null)
          throw new Failure("failure", "This controller has no public https address, so there is no short line", "Leave --short out");
        say(cli, options, `For ${uses === 1 ? "one server" : `${uses} servers`}. Paste on the server:`);
        show(cli, { ...options, quiet: false }, made, () => (short === true ? (made.shortCommand as string) : made.command));
      }),
    );
};

const stateOf = ({ revokedAt, expiresAt, uses, maxUses }: Token, nowMs: number): string =>
  revokedAt !== null ? "revoked" : Date.parse(expiresAt) <= nowMs ? "ended" : uses >= maxUses ? "used up" : `ends ${ago(expiresAt, nowMs)}`;

export const enrolmentTokens: AddCommand = (program, cli) => {
  const { terminal, signal } = cli;
  const group = program.command("enrolment-tokens").description("tokens that let machines in; devflow enrol makes them");
  group
    .command("list", { isDefault: true })
    .description("enrolment tokens, newest first")
    .addHelpText("after", examples("devflow enrolment-tokens list"))
    .action(
      call(cli, async ({ client, options }) => {
        showList<Token>(
          cli,
          options,
          await all(client.list("/api/v1/enrolment-tokens", { signal })),
          [
            { title: "NAME", value: ({ name }) => name, flexible: true },
            { title: "USED", value: ({ uses, maxUses }) => `${uses} of ${maxUses}`, align: "right" },
            { title: "STATE", value: (token) => stateOf(token, cli.now()) },
            { title: "ID", value: ({ id }) => id },
          ],
          "No enrolment tokens. Make one with: devflow enrol",
        );
      }),
    );
  group
    .command("revoke")
    .argument("<token>", "name or id")
    .description("end an enrolment token; servers that used it stay")
    .addHelpText("after", examples("devflow enrolment-tokens revoke rack-4 --yes"))
    .action(
      call<object, [string]>(cli, async ({ client, options, words: [which] }) => {
        const items = (await all(client.list("/api/v1/enrolment-tokens", { signal }))).filter(({ revokedAt }) => revokedAt === null);
        const { id, name } = pick(items, which, "enrolment token", "devflow enrolment-tokens list");
        await confirm(terminal, options.yes, `Revoke the enrolment token ${clean(name)}?`, name);
        await client.delete("/api/v1/enrolment-tokens/{id}", { path: { id }, signal });
        show(cli, options, { id, revoked: true }, () => `${clean(name)} is revoked.`);
      }),
    );
};
