import { createClient, type Client } from "@devflow/client";
import { type Context, type Credentials, credentialsPath, readCredentials } from "./credentials.ts";
import { Failure } from "./failure.ts";
import { clean } from "./output/style.ts";
import type { Terminal } from "./terminal.ts";
import { version } from "./version.ts";

export interface GlobalOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly context?: string;
  /** Name or id: another context of the same controller. */
  readonly organization?: string;
  readonly color?: boolean;
  readonly yes?: boolean;
}

const loopback = /^(localhost|.*\.localhost|127(\.\d{1,3}){3}|\[::1\])$/i;

/** The origin of an address that somebody typed: https unless it says http or is this machine. Throws Failure for what is none. */
export function readUrl(text: string): string {
  const bare = !/^[a-z][a-z+.-]*:\/\//i.test(text);
  const guess = URL.parse(bare ? `https://${text}` : text);
  if (guess === null || !/^https?:$/.test(guess.protocol))
    throw new Failure("usage", `${text} is no address such as https://devflow.example.com`);
  return bare && loopback.test(guess.hostname) ? guess.origin.replace("https:", "http:") : guess.origin;
}

/** Throws Failure when a token would cross the network in clear text. */
export function demandPrivate(url: string, allowed: boolean | undefined): void {
  const { protocol, hostname } = new URL(url);
  if (protocol === "https:" || loopback.test(hostname) || allowed === true) return;
  throw new Failure(
    "usage",
    `${url} is plain http: whoever is in between would get your token`,
    "Use https, or --allow-http if the network is yours alone",
  );
}

/** Which context is meant: DEVFLOW_TOKEN with DEVFLOW_URL, --context, DEVFLOW_CONTEXT, or the current one. Throws Failure. */
export async function findContext(terminal: Terminal, options: GlobalOptions): Promise<Context & { name: string | null }> {
  const { env } = terminal;
  if (options.context === undefined && env["DEVFLOW_TOKEN"]) {
    if (options.organization !== undefined)
      throw new Failure(
        "usage",
        "DEVFLOW_TOKEN is of one organisation, so --organization cannot choose another",
        "Set DEVFLOW_TOKEN to a token of that one",
      );
    const url = readUrl(env["DEVFLOW_URL"] ?? "http://127.0.0.1:8080");
    demandPrivate(url, env["DEVFLOW_ALLOW_HTTP"] === "1");
    return { name: null, url, token: env["DEVFLOW_TOKEN"] };
  }
  const { current, contexts } = await readCredentials(credentialsPath(env));
  const name = options.context ?? env["DEVFLOW_CONTEXT"] ?? current;
  if (name === null)
    throw new Failure(
      "notSignedIn",
      "Not signed in",
      "Sign in with: devflow login https://YOUR-CONTROLLER (or set DEVFLOW_URL and DEVFLOW_TOKEN)",
    );
  const found = contexts[name];
  if (found !== undefined && options.organization !== undefined) {
    const other = contextOfOrganization({ current: name, contexts }, options.organization);
    return { ...(contexts[other] as Context), name: other };
  }
  if (found === undefined)
    throw new Failure(
      "notSignedIn",
      `There is no context "${name}"`,
      `There are: ${Object.keys(contexts).join(", ") || "none"}. Sign in with: devflow login`,
    );
  return { ...found, name };
}

/**
 * The context of an organisation at the controller of the current context: tokens are of one organisation, so there is
 * one for each. Throws Failure.
 */
export function contextOfOrganization({ current, contexts }: Credentials, nameOrId: string): string {
  const url = contexts[current ?? ""]?.url;
  const wanted = nameOrId.toLowerCase();
  const found = Object.entries(contexts).find(
    ([, { url: at, organization }]) => at === url && (organization?.id === wanted || organization?.name.toLowerCase() === wanted),
  );
  if (found === undefined)
    throw new Failure(
      "notSignedIn",
      `You are not signed in to the organisation "${clean(nameOrId)}" of ${url ?? "this controller"}`,
      `Choose it in the browser first, then: devflow login ${url ?? ""} --name ${JSON.stringify(clean(nameOrId))}`,
    );
  return found[0];
}

export const clientOf = ({ url, token }: { url: string; token: string | null }): Client =>
  createClient({ url, token, userAgent: `devflow-cli/${version}` });

/** The client of the context that is meant. Throws Failure when nobody is signed in. */
export async function openClient(terminal: Terminal, options: GlobalOptions): Promise<Client> {
  return clientOf(await findContext(terminal, options));
}
