import { createClient, type Client } from "@devflow/client";
import { type Context, credentialsPath, readCredentials } from "./credentials.ts";
import { Failure } from "./failure.ts";
import type { Terminal } from "./terminal.ts";
import { version } from "./version.ts";

export interface GlobalOptions {
  readonly json?: boolean;
  readonly context?: string;
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
  if (found === undefined)
    throw new Failure(
      "notSignedIn",
      `There is no context "${name}"`,
      `There are: ${Object.keys(contexts).join(", ") || "none"}. Sign in with: devflow login`,
    );
  return { ...found, name };
}

export const clientOf = ({ url, token }: { url: string; token: string | null }): Client =>
  createClient({ url, token, userAgent: `devflow-cli/${version}` });

/** The client of the context that is meant. Throws Failure when nobody is signed in. */
export async function openClient(terminal: Terminal, options: GlobalOptions): Promise<Client> {
  return clientOf(await findContext(terminal, options));
}
