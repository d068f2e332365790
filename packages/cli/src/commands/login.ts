import { spawn } from "node:child_process";
import { hostname, userInfo } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { type AddCommand, type Cli, examples, show } from "../command.ts";
import { type Credentials, credentialsPath, readCredentials, writeCredentials } from "../credentials.ts";
import { Failure } from "../failure.ts";
import { clean } from "../output/style.ts";
import { roles } from "@devflow/api/permission-table";
import { clientOf, demandPrivate, type GlobalOptions, readUrl } from "../session.ts";
import { DevFlowError } from "@devflow/client";
import { Option } from "commander";

interface Options extends GlobalOptions {
  readonly withToken?: boolean;
  readonly name?: string;
  readonly role?: (typeof roles)[number];
  readonly allowHttp?: boolean;
  readonly browser?: boolean;
}

export const login: AddCommand = (program, cli) => {
  const { terminal } = cli;
  program
    .command("login")
    .argument("[url]", "the controller; default that of the current context, else this machine")
    .description("sign in to a controller")
    .option("--with-token", "read an API token from the terminal, or from a pipe")
    .option("--name <context>", "what to call it here; default its host")
    .addOption(new Option("--role <role>", "the role to ask for").choices(roles))
    .option("--no-browser", "only print the address to open")
    .option("--allow-http", "send the token over plain http")
    .addHelpText(
      "after",
      examples(
        "devflow login https://devflow.example.com",
        "devflow login --with-token < token.txt",
        "devflow login https://devflow.example.com --name production --role view",
      ),
    )
    .action(async (given: string | undefined, _, command: typeof program) => {
      const options = command.optsWithGlobals<Options>();
      const path = credentialsPath(terminal.env);
      const before = await readCredentials(path);
      const previous = before.contexts[options.context ?? before.current ?? ""]?.url;
      const url = readUrl(given ?? terminal.env["DEVFLOW_URL"] ?? previous ?? "http://127.0.0.1:8080");
      demandPrivate(url, options.allowHttp ?? terminal.env["DEVFLOW_ALLOW_HTTP"] === "1");
      const token = options.withToken === true ? await terminal.askSecret(`API token of ${url}: `) : await byBrowser(cli, url, options);
      if (!/^[\x21-\x7e]{10,200}$/.test(token))
        throw new Failure(
          "usage",
          "That is no API token",
          "Make one in the web UI under Settings, API tokens; it begins with devflow_api_",
        );
      const me = await clientOf({ url, token }).get("/api/v1/me", { signal: cli.signal });
      // Another sign-in may have ended meanwhile.
      const credentials = await readCredentials(path);
      const name = options.name ?? options.context ?? nameFor(credentials, url, me.organization);
      const context = { url, token, organization: me.organization };
      await writeCredentials(path, { current: name, contexts: { ...credentials.contexts, [name]: context } });
      if (options.json === true) show(cli, options, { context: name, url, organization: me.organization, role: me.role }, () => "");
      else
        terminal.err(
          `Signed in to ${url} (${clean(me.organization.name)}) ${me.role === null ? "with roles in parts of it" : `as "${me.role}"`}. The context is called ${name}.\n`,
        );
    });
};

/** The context of the same organisation is signed in anew; another organisation of the controller has one of its own. */
function nameFor({ contexts }: Credentials, url: string, organization: { id: string; name: string }): string {
  const here = Object.entries(contexts).filter(([, context]) => context.url === url);
  const same = here.find(([, context]) => context.organization === undefined || context.organization.id === organization.id);
  if (same !== undefined) return same[0];
  const { host } = new URL(url);
  return here.length === 0 && contexts[host] === undefined ? host : `${host}/${clean(organization.name)}`;
}

/** Begins a sign-in, has it confirmed in the browser, and collects the token. */
async function byBrowser(cli: Cli, url: string, options: Options): Promise<string> {
  const { terminal } = cli;
  const client = clientOf({ url, token: null });
  const begun = await client.post("/api/v1/cli-logins", {
    body: { client: clientName(), ...(options.role === undefined ? {} : { role: options.role }) },
    signal: cli.signal,
  });
  // Relative when the controller does not know its public address.
  const page = new URL(begun.verificationUrl, url).href;
  terminal.err(`Open ${terminal.style.bold(page)}\nand compare the code: ${terminal.style.bold(begun.userCode)}\n`);
  if (options.browser !== false && terminal.canAsk) openBrowser(page);
  terminal.err("Waiting until you let it in there (10 minutes at most, Ctrl-C ends) …\n");
  for (;;) {
    await sleep(begun.intervalSeconds * 1000, undefined, { signal: cli.signal });
    try {
      const answer = await client.post("/api/v1/cli-logins/collect", {
        body: { deviceCode: begun.deviceCode },
        signal: cli.signal,
      });
      if (answer.state === "done") return answer.secret;
    } catch (error) {
      if (!(error instanceof DevFlowError)) throw error;
      if (error.code === "not_found")
        throw new Failure("notSignedIn", "Nobody let it in within 10 minutes", "Begin again with: devflow login");
      if (error.code === "forbidden") throw new Failure("forbidden", error.message);
      // A controller that restarts, or a train in a tunnel.
      if (error.code !== "unreachable" && error.code !== "unavailable" && error.code !== "timeout") throw error;
      if (Date.parse(begun.expiresAt) < cli.now()) throw error;
    }
  }
}

function clientName(): string {
  let user = "";
  try {
    user = `${userInfo().username}@`;
  } catch {
    // A container's user may have no name.
  }
  return clean(`devflow on ${user}${hostname()}`).slice(0, 80);
}

function openBrowser(url: string): void {
  const [program, ...args] =
    process.platform === "darwin" ? ["open"] : process.platform === "win32" ? ["rundll32", "url.dll,FileProtocolHandler"] : ["xdg-open"];
  const child = spawn(program, [...args, url], { stdio: "ignore", detached: true });
  child.on("error", () => undefined); // Without a browser the printed address serves.
  child.unref();
}
