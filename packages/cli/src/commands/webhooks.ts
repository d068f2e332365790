import type { Client, components } from "@devflow/client";
import { Option } from "commander";
import { type AddCommand, call, type Cli, examples, say, show, showList } from "../command.ts";
import { clean } from "../output/style.ts";
import { facts } from "../output/table.ts";
import { ago, at } from "../output/time.ts";
import { pick } from "../pick.ts";
import { changes, wholeNumber } from "../read-option.ts";
import { confirm } from "../terminal.ts";

type Webhook = components["schemas"]["Webhook"];
type Delivery = components["schemas"]["WebhookDelivery"];
type Types = components["schemas"]["CreateWebhook"]["types"];

const findWebhook = async (client: Client, which: string): Promise<Webhook> =>
  pick((await client.get("/api/v1/webhooks")).items, which, "webhook", "devflow webhooks list");

const readTypes = (types: readonly string[]): Types => types.flatMap((text) => text.split(",")) as Types;
const stateOf = ({ disabledAt, disabledReason, failingSince }: Webhook, cli: Cli): string =>
  disabledAt !== null
    ? `disabled${disabledReason === null ? "" : `: ${disabledReason}`}`
    : failingSince !== null
      ? `failing since ${ago(failingSince, cli.now())}`
      : "working";
const resultOf = ({ lastStatus, lastError }: Delivery): string => lastError ?? (lastStatus === null ? "–" : String(lastStatus));

export const webhooks: AddCommand = (program, cli) => {
  const { terminal, signal } = cli;
  const group = program.command("webhooks").description("events that are sent to other programs");
  group
    .command("list", { isDefault: true })
    .description("webhooks with their state")
    .addHelpText("after", examples("devflow webhooks list"))
    .action(
      call(cli, async ({ client, options }) => {
        const { items } = await client.get("/api/v1/webhooks", { signal });
        showList(
          cli,
          options,
          items,
          [
            { title: "NAME", value: ({ name }) => name },
            { title: "ADDRESS", value: ({ url }) => url, flexible: true },
            { title: "EVENTS", value: ({ types }) => (types.length > 3 ? `${types.length} types` : types.join(", ")) },
            { title: "WAITING", value: ({ waiting }) => String(waiting), align: "right" },
            { title: "STATE", value: (webhook) => stateOf(webhook, cli) },
          ],
          "No webhooks. Make one with: devflow webhooks create NAME https://…",
        );
      }),
    );
  group
    .command("show")
    .argument("<webhook>", "name or id")
    .description("one webhook")
    .addHelpText("after", examples("devflow webhooks show chat"))
    .action(
      call<object, [string]>(cli, async ({ client, options, words: [which] }) => {
        const { id } = await findWebhook(client, which);
        const found = await client.get("/api/v1/webhooks/{id}", { path: { id }, signal });
        show(cli, options, found, () =>
          facts(
            [
              ["name", terminal.style.bold(clean(found.name))],
              ["id", found.id],
              ["address", clean(found.url)],
              ["events", found.types.map(clean).join(", ")],
              ["state", clean(stateOf(found, cli))],
              ["waiting", String(found.waiting)],
              ["changed", at(found.updatedAt)],
            ],
            terminal.style,
          ),
        );
      }),
    );
  group
    .command("create")
    .argument("<name>", "what it is called")
    .argument("<url>", "where events are sent to")
    .option("--type <type...>", 'only these: server.offline; or "*" for all, later ones too', ["*"])
    .description("make a webhook; prints the secret alone on stdout, once")
    .addHelpText("after", examples("devflow webhooks create chat https://chat.example.com/hook --type server.offline server.online"))
    .action(
      call<{ type: string[] }, [string, string]>(cli, async ({ client, options, words: [name, url] }) => {
        const made = await client.post("/api/v1/webhooks", { body: { name, url, types: readTypes(options.type) }, signal });
        say(
          cli,
          options,
          `${clean(made.webhook.name)} is there (${made.webhook.id}). Its secret, by which the receiver checks signatures, shown this once:`,
        );
        show(cli, { ...options, quiet: false }, made, () => made.secret);
      }),
    );
  group
    .command("edit")
    .argument("<webhook>", "name or id")
    .option("--name <name>", "its new name")
    .option("--url <url>", "where events are sent to")
    .option("--type <type...>", 'only these, or "*"')
    .option("--enable", "send again")
    .option("--disable", "send nothing; what happens meanwhile is not sent later")
    .description("change a webhook")
    .addHelpText("after", examples("devflow webhooks edit chat --disable", "devflow webhooks edit chat --type server.offline"))
    .action(
      call<{ name?: string; url?: string; type?: string[]; enable?: boolean; disable?: boolean }, [string]>(
        cli,
        async ({ client, options, words: [which] }) => {
          const { name, url, type, enable, disable } = options;
          const enabled = enable === true ? true : disable === true ? false : undefined;
          const types = type === undefined ? undefined : readTypes(type);
          const body = changes({ name, url, types, enabled }, "--name, --url, --type, --enable or --disable");
          const { id } = await findWebhook(client, which);
          const changed = await client.patch("/api/v1/webhooks/{id}", { path: { id }, body, signal });
          show(cli, options, changed, () => `${clean(changed.name)} is changed: ${clean(stateOf(changed, cli))}.`);
        },
      ),
    );
  group
    .command("delete")
    .argument("<webhook>", "name or id")
    .description("delete a webhook with its deliveries")
    .addHelpText("after", examples("devflow webhooks delete chat --yes"))
    .action(
      call<object, [string]>(cli, async ({ client, options, words: [which] }) => {
        const { id, name } = await findWebhook(client, which);
        await confirm(terminal, options.yes, `Delete the webhook ${clean(name)} with its deliveries?`, name);
        await client.delete("/api/v1/webhooks/{id}", { path: { id }, signal });
        show(cli, options, { id, deleted: true }, () => `${clean(name)} is deleted.`);
      }),
    );
  group
    .command("test")
    .argument("<webhook>", "name or id")
    .description("send it a test event")
    .addHelpText("after", examples("devflow webhooks test chat && devflow webhooks deliveries chat --limit 1"))
    .action(
      call<object, [string]>(cli, async ({ client, options, words: [which] }) => {
        const { id, name } = await findWebhook(client, which);
        const sent = await client.post("/api/v1/webhooks/{id}/test", { path: { id }, signal });
        show(cli, options, sent, () => `A test event is on its way to ${clean(name)}: devflow webhooks delivery ${sent.id}`);
      }),
    );
  group
    .command("rotate-secret")
    .argument("<webhook>", "name or id")
    .description("make a new secret; prints it alone on stdout. For a day deliveries carry the signature of the old one too")
    .addHelpText("after", examples("devflow webhooks rotate-secret chat"))
    .action(
      call<object, [string]>(cli, async ({ client, options, words: [which] }) => {
        const { id, name } = await findWebhook(client, which);
        const made = await client.post("/api/v1/webhooks/{id}/rotate-secret", { path: { id }, signal });
        const until = made.webhook.previousSecretUntil;
        say(
          cli,
          options,
          `${clean(name)} has a new secret, shown this once${until === null ? "" : `; the old one is good until ${at(until)}`}:`,
        );
        show(cli, { ...options, quiet: false }, made, () => made.secret);
      }),
    );
  group
    .command("deliveries")
    .argument("<webhook>", "name or id")
    .addOption(new Option("--state <state>", "only these").choices(["waiting", "delivered", "failed", "skipped"]))
    .option("--limit <n>", "at most so many", wholeNumber("--limit", 1, 10_000), 50)
    .description("what was sent, newest first")
    .addHelpText("after", examples("devflow webhooks deliveries chat --state failed"))
    .action(
      call<{ state?: Delivery["state"]; limit: number }, [string]>(cli, async ({ client, options, words: [which] }) => {
        const { id } = await findWebhook(client, which);
        const items: Delivery[] = [];
        const query = { state: options.state, limit: Math.min(500, options.limit) };
        for await (const delivery of client.list("/api/v1/webhooks/{id}/deliveries", { path: { id }, query, signal })) {
          items.push(delivery);
          if (items.length >= options.limit) break;
        }
        showList(
          cli,
          options,
          items,
          [
            { title: "ID", value: (delivery) => delivery.id },
            { title: "EVENT", value: ({ type }) => type },
            { title: "MADE", value: ({ createdAt }) => ago(createdAt, cli.now()), align: "right" },
            { title: "STATE", value: ({ state }) => state },
            { title: "TRIES", value: ({ attempts }) => String(attempts), align: "right" },
            { title: "ANSWER", value: resultOf, flexible: true },
          ],
          "Nothing was sent that is like that.",
        );
      }),
    );
  group
    .command("delivery")
    .argument("<delivery>", "its id")
    .description("one delivery with its body and each attempt")
    .addHelpText("after", examples("devflow webhooks delivery 6f0d… --json"))
    .action(
      call<object, [string]>(cli, async ({ client, options, words: [id] }) => {
        const found = await client.get("/api/v1/webhook-deliveries/{id}", { path: { id }, signal });
        const { delivery, log, body } = found;
        show(cli, options, found, () =>
          [
            facts(
              [
                ["id", delivery.id],
                ["event", delivery.type],
                ["state", delivery.state],
                ["made", at(delivery.createdAt)],
                ["next try", delivery.nextAttemptAt === null ? "–" : at(delivery.nextAttemptAt)],
                ...log.map((one): [string, string] => [
                  "attempt",
                  `${at(one.at)}  ${one.durationMs} ms  ${clean(one.error ?? String(one.status))}`,
                ]),
              ],
              terminal.style,
            ),
            "",
            clean(body),
          ].join("\n"),
        );
      }),
    );
  group
    .command("replay")
    .argument("<delivery>", "its id")
    .description("send a delivery again")
    .addHelpText("after", examples("devflow webhooks replay 6f0d…"))
    .action(
      call<object, [string]>(cli, async ({ client, options, words: [id] }) => {
        const again = await client.post("/api/v1/webhook-deliveries/{id}/replay", { path: { id }, signal });
        show(cli, options, again, () => `It is on its way again: devflow webhooks delivery ${again.id}`);
      }),
    );
};
