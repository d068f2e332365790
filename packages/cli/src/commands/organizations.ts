import { type AddCommand, call, examples, say, show, showList } from "../command.ts";
import { credentialsPath, readCredentials, writeCredentials } from "../credentials.ts";
import { Failure } from "../failure.ts";
import { clean } from "../output/style.ts";
import { at } from "../output/time.ts";
import { saveTo } from "../save.ts";
import { contextOfOrganization, type GlobalOptions } from "../session.ts";
import { confirm } from "../terminal.ts";

export const organizations: AddCommand = (program, cli) => {
  const { terminal, signal } = cli;
  const group = program.command("organizations").alias("orgs").description("organisations, and the life of the one that you work in");
  group
    .command("list", { isDefault: true })
    .description("organisations of this controller that you are signed in to")
    .addHelpText("after", examples("devflow organizations list"))
    .action(
      call(cli, async ({ client, options }) => {
        const { items } = await client.get("/api/v1/organizations", { signal });
        // Each token knows its own organisation alone; the others are in the contexts.
        const { contexts } = await readCredentials(credentialsPath(terminal.env));
        const others = Object.entries(contexts).flatMap(([context, { url, organization }]) =>
          url === client.url && organization !== undefined && !items.some(({ id }) => id === organization.id)
            ? [{ ...organization, active: false, context, role: null, members: null, deleteAfter: null }]
            : [],
        );
        showList(
          cli,
          options,
          [...items, ...others],
          [
            { title: "", value: ({ active }) => (active ? "*" : " ") },
            { title: "NAME", value: ({ name }) => name, flexible: true },
            { title: "ROLE", value: ({ role }) => role ?? "–" },
            { title: "MEMBERS", value: ({ members }) => (members === null ? "–" : String(members)), align: "right" },
            { title: "", value: ({ deleteAfter }) => (deleteAfter === null ? "" : `deleted after ${at(deleteAfter)}`) },
          ],
          "None.",
        );
      }),
    );
  group
    .command("switch")
    .argument("<organization>", "name or id")
    .description("work in another organisation that you are signed in to; --organization does it for one command")
    .addHelpText("after", examples("devflow organizations switch Acme", "devflow servers list --organization Acme"))
    .action(async (which: string, _, command: typeof program) => {
      const path = credentialsPath(terminal.env);
      const credentials = await readCredentials(path);
      const options = command.optsWithGlobals<GlobalOptions>();
      const name = contextOfOrganization(credentials, which);
      await writeCredentials(path, { ...credentials, current: name });
      show(
        cli,
        options,
        { context: name, ...credentials.contexts[name]?.organization },
        () => `You work in ${clean(which)} now (context ${clean(name)}).`,
      );
    });
  group
    .command("create")
    .argument("<name>", "its name")
    .description("make an organisation; you own it")
    .addHelpText("after", examples("devflow organizations create Acme"))
    .action(
      call<object, [string]>(cli, async ({ client, options, words: [name] }) => {
        const made = await client.post("/api/v1/organizations", { body: { name }, signal });
        show(cli, options, made, () => `${clean(name)} is there (${made.id}). Choose it in the browser, then: devflow login ${client.url}`);
      }),
    );
  group
    .command("rename")
    .argument("<name>", "its new name")
    .description("rename the organisation that you work in")
    .addHelpText("after", examples("devflow organizations rename 'Acme Ltd'"))
    .action(
      call<object, [string]>(cli, async ({ client, options, words: [name] }) => {
        await client.patch("/api/v1/organization", { body: { name }, signal });
        show(cli, options, { name }, () => `It is called ${clean(name)} now.`);
      }),
    );
  group
    .command("export")
    .option("-o, --output <file>", '"-" for stdout', "organization.jsonl.gz")
    .description("everything of the organisation but secrets, as gzipped lines of JSON")
    .addHelpText("after", examples("devflow organizations export -o acme.jsonl.gz", "devflow organizations export -o - | zcat | jq -c ."))
    .action(
      call<{ output: string }>(cli, async ({ client, options }) => {
        const size = await saveTo(options.output, client.download("/api/v1/organization/export", { signal }), terminal.output);
        if (options.output === "-") return;
        if (options.json === true) show(cli, options, { file: options.output, size }, () => "");
        else say(cli, options, `${clean(options.output)}: ${size} bytes.`);
      }),
    );
  group
    .command("delete")
    .argument("<name>", "the name of the organisation that you work in, as it is")
    .description("delete the organisation with everything in it, after the period of grace")
    .addHelpText("after", examples("devflow organizations delete 'Acme Ltd'", "devflow organizations keep"))
    .action(
      call<object, [string]>(cli, async ({ client, options, words: [name] }) => {
        const { organization } = await client.get("/api/v1/me", { signal });
        if (organization.name !== name)
          throw new Failure(
            "usage",
            `You work in "${clean(organization.name)}", not in "${clean(name)}"`,
            "Say its name as it is, or choose another with --organization",
          );
        await confirm(terminal, options.yes, `Delete ${clean(name)} with its servers, history and members?`, name);
        const planned = await client.post("/api/v1/organization/deletion", { body: { name }, signal });
        show(
          cli,
          options,
          { ...organization, ...planned },
          () => `${clean(name)} is deleted after ${at(planned.deleteAfter)}. Until then: devflow organizations keep`,
        );
      }),
    );
  group
    .command("keep")
    .description("take a planned deletion back")
    .addHelpText("after", examples("devflow organizations keep"))
    .action(
      call(cli, async ({ client, options }) => {
        await client.delete("/api/v1/organization/deletion", { signal });
        show(cli, options, { deleteAfter: null }, () => "The organisation stays.");
      }),
    );
};
