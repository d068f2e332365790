import { readFile } from "node:fs/promises";
import type { components } from "@devflow/client";
import { Option } from "commander";
import { type AddCommand, call, examples, show } from "../command.ts";
import { Failure } from "../failure.ts";
import { clean } from "../output/style.ts";
import { facts } from "../output/table.ts";
import { changes, wholeNumber } from "../read-option.ts";
import { roles } from "@devflow/api/permission-table";
import { confirm } from "../terminal.ts";

type Mail = components["schemas"]["MailSettings"];
type Oidc = components["schemas"]["OidcSettings"];

const onOff = (option: string) => (text: string) => {
  if (text !== "on" && text !== "off") throw new Failure("usage", `${option}: expected on or off, got ${clean(text)}`);
  return text === "on";
};

/** Settings of the whole installation; each reads, and with options changes, what it is about. */
export const settings: AddCommand = (program, cli) => {
  const { terminal, signal } = cli;
  const { style } = terminal;
  const group = program.command("settings").description("settings of the installation, for its administrators");
  /** The secret of --…-stdin: the first line of a pipe, or typed without echo. */
  const secretOf = (wanted: boolean | undefined, what: string) => (wanted === true ? terminal.askSecret(`${what}: `) : undefined);

  group
    .command("mail")
    .description("how mail is sent; options change it")
    .option("--host <host>", "of the SMTP server")
    .option("--port <n>", "default 587", wholeNumber("--port", 1, 65_535))
    .addOption(new Option("--encryption <how>", "default starttls").choices(["tls", "starttls", "none"]))
    .option("--user <name>", "signs in with it")
    .option("--password-stdin", "read the password from the terminal, or from a pipe")
    .option("--from <address>", "sender: Name <name@example.com>")
    .option("--ca <file>", "certificate of an own CA, PEM")
    .addHelpText(
      "after",
      examples(
        "devflow settings mail",
        "devflow settings mail --host smtp.example.com --user devflow --from devflow@example.com --password-stdin < secret",
      ),
    )
    .action(
      call<Partial<Mail> & { passwordStdin?: boolean; ca?: string }>(cli, async ({ client, options }) => {
        const { host, port, encryption, user, from, ca, passwordStdin } = options;
        const given = {
          host,
          port,
          encryption,
          user,
          from,
          certificateAuthority: ca === undefined ? undefined : await readFile(ca, "utf8"),
        };
        let state = await client.get("/api/v1/settings/mail", { signal });
        const password = await secretOf(passwordStdin, "Password of the mail server");
        if (password !== undefined || Object.values(given).some((value) => value !== undefined)) {
          const before = state.mail ?? { port: 587, encryption: "starttls" as const, user: null, certificateAuthority: null };
          const after = { ...before, ...changes({ ...given, password }, "--host") } as Mail;
          if (after.host === undefined || after.from === undefined)
            throw new Failure("usage", "Mail is not set yet: --host and --from are needed");
          state = await client.put("/api/v1/settings/mail", { body: after, signal });
        }
        const { mail, hasPassword } = state;
        show(cli, options, state, () =>
          mail === null
            ? "Mail is not set. Set it with: devflow settings mail --host smtp.example.com --from devflow@example.com"
            : facts(
                [
                  ["server", `${clean(mail.host)}:${mail.port} (${mail.encryption})`],
                  ["user", mail.user === null ? "–" : `${clean(mail.user)}${hasPassword ? ", with a password" : ""}`],
                  ["from", clean(mail.from)],
                  ["own CA", mail.certificateAuthority === null ? "no" : "yes"],
                ],
                style,
              ),
        );
      }),
    );
  group
    .command("mail-test")
    .argument("[address]", "where to; default your own")
    .description("send one mail now")
    .addHelpText("after", examples("devflow settings mail-test anna@example.com"))
    .action(
      call<object, [string | undefined]>(cli, async ({ client, options, words: [to] }) => {
        const result = await client.post("/api/v1/settings/mail/test", { body: to === undefined ? {} : { to }, signal });
        show(cli, options, result, () => `Sent to ${clean(result.to)}: ${clean(result.answer)}`);
      }),
    );
  group
    .command("mail-remove")
    .description("send no mail any more")
    .addHelpText("after", examples("devflow settings mail-remove --yes"))
    .action(
      call(cli, async ({ client, options }) => {
        await confirm(
          terminal,
          options.yes,
          "Remove the settings of mail, its password too? No invitation or reset goes out then.",
          "mail",
        );
        await client.delete("/api/v1/settings/mail", { signal });
        show(cli, options, { mail: null }, () => "Mail is not set any more.");
      }),
    );
  group
    .command("sign-in")
    .description("signing in by an OpenID provider; options change it")
    .option("--issuer <url>", "the provider's address")
    .option("--client-id <id>", "as the provider calls DevFlow")
    .option("--secret-stdin", "read the client's secret from the terminal, or from a pipe")
    .option("--scopes <scopes>", 'beside "openid"; default "email profile"')
    .option("--domain <domain...>", "only people with such an e-mail address; any: --domain any")
    .addOption(
      new Option("--new-members <role>", "what people become who come for the first time, in your organisation").choices([
        ...roles,
        "none",
      ]),
    )
    .option("--label <text>", "on the button: Sign in with …")
    .addHelpText(
      "after",
      examples(
        "devflow settings sign-in",
        "devflow settings sign-in --issuer https://id.example.com --client-id devflow --label Acme --secret-stdin < secret",
      ),
    )
    .action(
      call<{
        issuer?: string;
        clientId?: string;
        secretStdin?: boolean;
        scopes?: string;
        domain?: string[];
        newMembers?: (typeof roles)[number] | "none";
        label?: string;
      }>(cli, async ({ client, options }) => {
        const { issuer, clientId, scopes, domain, newMembers, label } = options;
        let state = await client.get("/api/v1/settings/oidc", { signal });
        const secret = await secretOf(options.secretStdin, "The client's secret");
        const given = {
          issuer,
          clientId,
          scopes,
          label,
          secret,
          allowedDomains: domain === undefined ? undefined : domain.filter((one) => one !== "any"),
          newMembers:
            newMembers === undefined
              ? undefined
              : newMembers === "none"
                ? null
                : { organizationId: (await client.get("/api/v1/me", { signal })).organization.id, role: newMembers },
        };
        if (Object.values(given).some((value) => value !== undefined)) {
          const before = state.oidc ?? { scopes: "email profile", allowedDomains: [], newMembers: null, label: "OpenID" };
          const after = { ...before, ...changes(given, "--issuer") } as Oidc;
          if (after.issuer === undefined || after.clientId === undefined)
            throw new Failure("usage", "No provider is set yet: --issuer and --client-id are needed");
          state = await client.put("/api/v1/settings/oidc", { body: after, signal });
        }
        const { oidc, hasSecret, redirectUri } = state;
        show(cli, options, state, () =>
          facts(
            [
              ["provider", oidc === null ? "none" : `${clean(oidc.issuer)} (${clean(oidc.label)})`],
              ["client", oidc === null ? "–" : `${clean(oidc.clientId)}${hasSecret ? ", with a secret" : ""}`],
              ["domains", oidc?.allowedDomains.map(clean).join(", ") || "any"],
              ["newcomers", oidc?.newMembers == null ? "only people who are here already" : `become ${oidc.newMembers.role}`],
              ["enter at the provider", redirectUri],
            ],
            style,
          ),
        );
      }),
    );
  group
    .command("sign-in-test")
    .description("ask the OpenID provider whether it knows the client")
    .addHelpText("after", examples("devflow settings sign-in-test"))
    .action(
      call(cli, async ({ client, options }) => {
        const result = await client.post("/api/v1/settings/oidc/test", { signal });
        show(
          cli,
          options,
          result,
          () =>
            `${clean(result.issuer)} answers${result.client === "accepted" ? ", and knows the client and its secret" : "; whether it knows the client it does not say"}.`,
        );
      }),
    );
  group
    .command("sign-in-remove")
    .description("no signing in by the provider any more")
    .addHelpText("after", examples("devflow settings sign-in-remove --yes"))
    .action(
      call(cli, async ({ client, options }) => {
        await confirm(terminal, options.yes, "Remove the OpenID provider? Who has no password or passkey gets in no more.", "sign-in");
        await client.delete("/api/v1/settings/oidc", { signal });
        show(cli, options, { oidc: null }, () => "There is no provider any more.");
      }),
    );
  group
    .command("passwords")
    .description("how passwords are checked; options change it")
    .option("--check-breached <on|off>", "compare new ones with those of known breaches", onOff("--check-breached"))
    .addHelpText("after", examples("devflow settings passwords --check-breached on"))
    .action(
      call<{ checkBreached?: boolean }>(cli, async ({ client, options }) => {
        const { checkBreached } = options;
        const state =
          checkBreached === undefined
            ? await client.get("/api/v1/settings/security", { signal })
            : await client.put("/api/v1/settings/security", { body: { checkBreachedPasswords: checkBreached }, signal });
        show(cli, options, state, () =>
          state.checkBreachedPasswords
            ? "New passwords are compared with those of known breaches."
            : "New passwords are not compared with those of known breaches.",
        );
      }),
    );
  group
    .command("outgoing")
    .description("private addresses that webhooks may call; options change it")
    .option("--allow <cidr...>", "these and no others: 10.0.0.0/8")
    .option("--allow-none", "public addresses only")
    .addHelpText("after", examples("devflow settings outgoing --allow 10.1.0.0/16 fd00::/8"))
    .action(
      call<{ allow?: string[]; allowNone?: boolean }>(cli, async ({ client, options }) => {
        const allowed = options.allowNone === true ? [] : options.allow;
        const state =
          allowed === undefined
            ? await client.get("/api/v1/settings/outgoing", { signal })
            : await client.put("/api/v1/settings/outgoing", { body: { allowed }, signal });
        show(cli, options, state, () => `Beside public addresses: ${state.allowed.map(clean).join(", ") || "none"}`);
      }),
    );
  group
    .command("organizations")
    .description("who makes organisations, and how long a deletion waits; options change it")
    .addOption(new Option("--creation <who>", "who may make them").choices(["administrators", "everybody"]))
    .option("--grace <days>", "days between decision and deletion", wholeNumber("--grace", 1, 365))
    .addHelpText("after", examples("devflow settings organizations --creation everybody --grace 30"))
    .action(
      call<{ creation?: "administrators" | "everybody"; grace?: number }>(cli, async ({ client, options }) => {
        let state = await client.get("/api/v1/settings/organizations", { signal });
        const { creation, grace } = options;
        if (creation !== undefined || grace !== undefined) {
          const body = { creation: creation ?? state.creation, deletionGraceDays: grace ?? state.deletionGraceDays };
          state = await client.put("/api/v1/settings/organizations", { body, signal });
        }
        show(cli, options, state, () =>
          facts(
            [
              ["made by", state.creation],
              ["days of grace", String(state.deletionGraceDays)],
            ],
            style,
          ),
        );
      }),
    );
  group
    .command("retention")
    .description("for how long values, events and the audit log are kept; options change it")
    .option("--ten-seconds <days>", "days of values of 10 seconds", wholeNumber("--ten-seconds", 1, 36_500))
    .option("--minutes <days>", "days of values of a minute", wholeNumber("--minutes", 1, 36_500))
    .option("--hours <days>", "days of values of an hour", wholeNumber("--hours", 1, 36_500))
    .option("--events <days>", "days", wholeNumber("--events", 1, 3_650))
    .option("--audit <days>", "days", wholeNumber("--audit", 30, 36_500))
    .addHelpText("after", examples("devflow settings retention --events 30"))
    .action(
      call<{ tenSeconds?: number; minutes?: number; hours?: number; events?: number; audit?: number }>(cli, async ({ client, options }) => {
        const { tenSeconds, minutes, hours } = options;
        let values = await client.get("/api/v1/settings/metric-retention", { signal });
        if (tenSeconds !== undefined || minutes !== undefined || hours !== undefined) {
          const body = {
            tenSecondDays: tenSeconds ?? values.tenSecondDays,
            minuteDays: minutes ?? values.minuteDays,
            hourDays: hours ?? values.hourDays,
          };
          values = await client.put("/api/v1/settings/metric-retention", { body, signal });
        }
        const keep = { events: options.events, audit: options.audit };
        const events =
          keep.events === undefined
            ? await client.get("/api/v1/settings/event-retention", { signal })
            : await client.put("/api/v1/settings/event-retention", { body: { days: keep.events }, signal });
        const audit =
          keep.audit === undefined
            ? await client.get("/api/v1/settings/audit-retention", { signal })
            : await client.put("/api/v1/settings/audit-retention", { body: { days: keep.audit }, signal });
        show(cli, options, { ...values, eventDays: events.days, auditDays: audit.days }, () =>
          facts(
            [
              ["10 seconds", `${values.tenSecondDays} days`],
              ["minutes", `${values.minuteDays} days`],
              ["hours", `${values.hourDays} days`],
              ["events", `${events.days} days`],
              ["audit log", `${audit.days} days`],
            ],
            style,
          ),
        );
      }),
    );
};
