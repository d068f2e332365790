import type { components } from "@devflow/client";
import { Option } from "commander";
import { type AddCommand, call, examples, show, showList } from "../command.ts";
import { Failure } from "../failure.ts";
import { findGroup } from "../find-group.ts";
import { findMember, findTeam } from "../find-people.ts";
import { readRole } from "../grants.ts";
import { clean } from "../output/style.ts";
import { facts } from "../output/table.ts";
import { at } from "../output/time.ts";
import { pick } from "../pick.ts";
import { changes } from "../read-option.ts";
import { confirm } from "../terminal.ts";

type Holder = components["schemas"]["Holder"];

export const groups: AddCommand = (program, cli) => {
  const { terminal, signal } = cli;
  const group = program.command("groups").description("server groups");
  group
    .command("list", { isDefault: true })
    .description("groups with their counts")
    .addHelpText("after", examples("devflow groups list --json | jq -r '.items[].name'"))
    .action(
      call(cli, async ({ client, options }) => {
        const { items } = await client.get("/api/v1/groups", { signal });
        showList(
          cli,
          options,
          items,
          [
            { title: "NAME", value: ({ name }) => name, flexible: true },
            { title: "SERVERS", value: ({ servers }) => String(servers.total), align: "right" },
            { title: "ONLINE", value: ({ servers }) => String(servers.online), align: "right" },
            { title: "TEAM", value: ({ team }) => team?.name ?? "–" },
          ],
          "No groups yet. Make one with: devflow groups create NAME",
        );
      }),
    );
  group
    .command("show")
    .argument("<group>", "name or id")
    .description("one group")
    .addHelpText("after", examples("devflow groups show Edge"))
    .action(
      call<object, [string]>(cli, async ({ client, options, words: [name] }) => {
        const { id } = await findGroup(client, name);
        const found = await client.get("/api/v1/groups/{id}", { path: { id }, signal });
        show(cli, options, found, () =>
          facts(
            [
              ["name", terminal.style.bold(clean(found.name))],
              ["id", found.id],
              ["description", clean(found.description) || "–"],
              ["team", clean(found.team?.name ?? "–")],
              ["servers", `${found.servers.online} of ${found.servers.total} online`],
              ["made", at(found.createdAt)],
            ],
            terminal.style,
          ),
        );
      }),
    );
  group
    .command("create")
    .argument("<name>", "its name")
    .option("--description <text>", "what is in it")
    .option("--team <team>", "the team that owns it")
    .description("make a group")
    .addHelpText("after", examples("devflow groups create Edge --description 'near people'"))
    .action(
      call<{ description?: string; team?: string }, [string]>(cli, async ({ client, options, words: [name] }) => {
        const { description, team } = options;
        const teamId = team === undefined ? undefined : (await findTeam(client, team)).id;
        const body = { name, ...(description !== undefined && { description }), ...(teamId !== undefined && { teamId }) };
        const made = await client.post("/api/v1/groups", { body, signal });
        show(cli, options, made, () => `${clean(made.name)} is there (${made.id}).`);
      }),
    );
  group
    .command("edit")
    .argument("<group>", "name or id")
    .option("--name <name>", "its new name")
    .option("--description <text>", "what is in it")
    .option("--team <team>", 'the team that owns it, or "none"')
    .description("change a group")
    .addHelpText("after", examples("devflow groups edit Edge --team Network"))
    .action(
      call<{ name?: string; description?: string; team?: string }, [string]>(cli, async ({ client, options, words: [which] }) => {
        const { name, description, team } = options;
        const teamId = team === undefined ? undefined : team === "none" ? null : (await findTeam(client, team)).id;
        const body = changes({ name, description, teamId }, "--name, --description or --team");
        const { id } = await findGroup(client, which);
        const changed = await client.patch("/api/v1/groups/{id}", { path: { id }, body, signal });
        show(cli, options, changed, () => `${clean(changed.name)} is changed.`);
      }),
    );
  group
    .command("rename")
    .argument("<group>", "name or id")
    .argument("<new-name>", "its new name")
    .description("give a group another name")
    .addHelpText("after", examples("devflow groups rename Edge Border"))
    .action(
      call<object, [string, string]>(cli, async ({ client, options, words: [which, name] }) => {
        const { id } = await findGroup(client, which);
        const changed = await client.patch("/api/v1/groups/{id}", { path: { id }, body: { name }, signal });
        show(cli, options, changed, () => `${clean(which)} is called ${clean(changed.name)} now.`);
      }),
    );
  group
    .command("delete")
    .argument("<group>", "name or id")
    .description("delete a group; its servers stay, in no group")
    .addHelpText("after", examples("devflow groups delete Edge --yes"))
    .action(
      call<object, [string]>(cli, async ({ client, options, words: [which] }) => {
        const { id, name, servers } = await findGroup(client, which);
        const question = `Delete the group ${clean(name)}? ${servers.total} servers are in no group then, and roles over it are gone.`;
        await confirm(terminal, options.yes, question, name);
        const gone = await client.delete("/api/v1/groups/{id}", { path: { id }, signal });
        show(cli, options, { id, ...gone }, () => `${clean(name)} is deleted; ${gone.servers} servers are in no group now.`);
      }),
    );

  const holders = (items: readonly Holder[]) =>
    items.map((holder) => ({ ...holder, id: holder.principal.id, name: holder.principal.name }));
  group
    .command("shares")
    .argument("<group>", "name or id")
    .description("who has a role for this group alone")
    .addHelpText("after", examples("devflow groups shares Edge"))
    .action(
      call<object, [string]>(cli, async ({ client, options, words: [which] }) => {
        const { id } = await findGroup(client, which);
        const { items } = await client.get("/api/v1/groups/{id}/grants", { path: { id }, signal });
        showList(
          cli,
          options,
          items,
          [
            { title: "WHO", value: ({ principal }) => principal.name, flexible: true },
            { title: "KIND", value: ({ principal }) => principal.kind },
            { title: "ROLE", value: ({ roleName }) => roleName },
          ],
          "Nobody has a role for this group alone.",
        );
      }),
    );
  const withOption = () => new Option("--with <who>", "team:NAME, or user:E-MAIL").makeOptionMandatory();
  const readWho = (text: string): { kind: "team" | "user"; name: string } => {
    const found = /^(team|user):(.+)$/s.exec(text);
    if (found === null) throw new Failure("usage", `--with: expected team:NAME or user:E-MAIL, got ${clean(text)}`);
    return { kind: found[1] as "team" | "user", name: found[2] as string };
  };
  group
    .command("share")
    .argument("<group>", "name or id")
    .addOption(withOption())
    .requiredOption("--role <role>", "what they may do there: view, deploy, edit, admin, or a custom role")
    .description("give a team or a person a role for this group")
    .addHelpText("after", examples("devflow groups share Edge --with team:Network --role deploy"))
    .action(
      call<{ with: string; role: string }, [string]>(cli, async ({ client, options, words: [which] }) => {
        const { kind, name } = readWho(options.with);
        const role = await readRole(client, options.role);
        const { id, name: shared } = await findGroup(client, which);
        const principal = { kind, id: kind === "team" ? (await findTeam(client, name)).id : (await findMember(client, name)).userId };
        const now = await client.put("/api/v1/groups/{id}/grants", { path: { id }, body: { principal, role }, signal });
        show(cli, options, now, () => `${clean(name)} may ${clean(options.role)} in ${clean(shared)} now.`);
      }),
    );
  group
    .command("unshare")
    .argument("<group>", "name or id")
    .addOption(withOption())
    .description("take a team's or a person's role for this group")
    .addHelpText("after", examples("devflow groups unshare Edge --with team:Network"))
    .action(
      call<{ with: string }, [string]>(cli, async ({ client, options, words: [which] }) => {
        const { kind, name } = readWho(options.with);
        const { id } = await findGroup(client, which);
        const { items } = await client.get("/api/v1/groups/{id}/grants", { path: { id }, signal });
        const people = kind === "user" && name.includes("@") ? (await findMember(client, name)).userId : name;
        const { principal } = pick(
          holders(items).filter((holder) => holder.principal.kind === kind),
          people,
          `share with the ${kind}`,
          "devflow groups shares",
        );
        const query = { principalKind: principal.kind, principalId: principal.id };
        await client.delete("/api/v1/groups/{id}/grants", { path: { id }, query, signal });
        show(
          cli,
          options,
          { group: id, ...query, removed: true },
          () => `${clean(principal.name)} has no role for this group alone any more.`,
        );
      }),
    );
};
