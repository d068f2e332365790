import type { Client, components } from "@devflow/client";
import { type AddCommand, call, type Cli, examples, say, show, showList } from "../command.ts";
import { findTeam } from "../find-people.ts";
import { type GrantOptions, grantOptions, grantsText, readGrants } from "../grants.ts";
import { clean } from "../output/style.ts";
import { ago } from "../output/time.ts";
import { all, pick } from "../pick.ts";
import { wholeNumber } from "../read-option.ts";
import type { GlobalOptions } from "../session.ts";
import { confirm } from "../terminal.ts";

type Invitation = components["schemas"]["Invitation"];
type Created = components["schemas"]["CreatedInvitation"];

const findInvitation = async (client: Client, which: string): Promise<Invitation> =>
  pick(await all(client.list("/api/v1/invitations")), which, "invitation", "devflow invitations list", ({ email }) => [email]);

export const invitations: AddCommand = (program, cli) => {
  const { terminal, signal } = cli;
  const group = program.command("invitations").description("people who may join");
  group
    .command("list", { isDefault: true })
    .description("invitations, newest first")
    .addHelpText("after", examples("devflow invitations list"))
    .action(
      call(cli, async ({ client, options }) => {
        showList<Invitation>(
          cli,
          options,
          await all(client.list("/api/v1/invitations", { signal })),
          [
            { title: "FOR", value: ({ email }) => email ?? "whoever has the link", flexible: true },
            { title: "ROLE", value: ({ grants }) => grantsText(grants) },
            { title: "STATE", value: ({ state }) => state },
            { title: "ENDS", value: ({ expiresAt }) => ago(expiresAt, cli.now()), align: "right" },
            { title: "BY", value: ({ invitedBy }) => invitedBy ?? "–" },
            { title: "ID", value: ({ id }) => id },
          ],
          "No invitations. Invite somebody with: devflow invitations create anna@example.com --role view",
        );
      }),
    );
  grantOptions(group.command("create").argument("[email]", "for this address alone; without it whoever gets the link first"), "view")
    .option("--join <team...>", "teams to be in")
    .option("--expires <days>", "days", wholeNumber("--expires", 1, 30), 7)
    .description("invite somebody; prints the link alone on stdout, unless it went by mail")
    .addHelpText(
      "after",
      examples("devflow invitations create anna@example.com --role edit", "devflow invitations create --role view --join Ops"),
    )
    .action(
      call<GrantOptions & { join?: string[]; expires: number }, [string | undefined]>(cli, async ({ client, options, words: [email] }) => {
        const grants = await readGrants(client, options);
        const teamIds: string[] = [];
        for (const name of options.join ?? []) teamIds.push((await findTeam(client, name)).id);
        const made = await client.post("/api/v1/invitations", {
          body: { email: email ?? null, grants, teamIds, expiresInDays: options.expires },
          signal,
        });
        showLink(cli, options, made);
      }),
    );
  group
    .command("send")
    .argument("<invitation>", "e-mail address or id")
    .description("send it again; the link before does nothing any more")
    .addHelpText("after", examples("devflow invitations send anna@example.com"))
    .action(
      call<object, [string]>(cli, async ({ client, options, words: [which] }) => {
        const { id } = await findInvitation(client, which);
        showLink(cli, options, await client.post("/api/v1/invitations/{id}/send", { path: { id }, signal }));
      }),
    );
  group
    .command("revoke")
    .argument("<invitation>", "e-mail address or id")
    .description("end an invitation")
    .addHelpText("after", examples("devflow invitations revoke anna@example.com --yes"))
    .action(
      call<object, [string]>(cli, async ({ client, options, words: [which] }) => {
        const { id, email } = await findInvitation(client, which);
        const known = email ?? id;
        await confirm(terminal, options.yes, `End the invitation of ${clean(known)}?`, known);
        await client.delete("/api/v1/invitations/{id}", { path: { id }, signal });
        show(cli, options, { id, revoked: true }, () => `The invitation of ${clean(known)} is ended.`);
      }),
    );
};

function showLink(cli: Cli, options: GlobalOptions, made: Created): void {
  const { email } = made.invitation;
  const who = email === null ? "Whoever opens it first" : clean(email);
  say(cli, options, made.mailed ? `The invitation went to ${who}.` : `${who} joins by this link, shown this once:`);
  if (options.json === true || made.link !== null) show(cli, { ...options, quiet: false }, made, () => made.link as string);
}
