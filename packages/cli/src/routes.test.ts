import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { expect, it } from "vitest";
import { createProgram } from "./program.ts";
import { createTerminal } from "./terminal.ts";

const inBrowser = "a browser's part of signing in";
const own = "a person's own, for which tokens are refused: the profile in the web UI";
const form = "somebody who is not signed in, in the web UI";

const figures = "figures beside the web's filters; a list with --json and jq counts";

/** Routes that no command calls, each with the reason. */
const without: Readonly<Record<string, string>> = {
  "GET /api/docs": "a page",
  "GET /api/v1/openapi.json": "for programs: docs/openapi.json",
  "GET /healthz": "for load balancers",
  "GET /readyz": "for load balancers",
  "GET /metrics": "for Prometheus",
  "GET /api/v1/setup": form,
  "POST /api/v1/setup": form,
  "GET /api/v1/cli-logins": inBrowser,
  "POST /api/v1/cli-logins/confirm": inBrowser,
  "POST /api/v1/cli-logins/deny": inBrowser,
  "POST /api/v1/email-verifications": form,
  "POST /api/v1/password-resets": form,
  "POST /api/v1/password-resets/complete": form,
  "POST /api/v1/invitations/find": form,
  "POST /api/v1/invitations/register": form,
  "POST /api/v1/invitations/accept": own,
  "POST /api/v1/organization/leave": own,
  "PATCH /api/v1/me": own,
  "POST /api/v1/me/email": own,
  "GET /api/v1/me/factors": own,
  "DELETE /api/v1/me/linked/{id}": own,
  "POST /api/v1/me/passkeys": own,
  "POST /api/v1/me/passkeys/options": own,
  "PATCH /api/v1/me/passkeys/{id}": own,
  "DELETE /api/v1/me/passkeys/{id}": own,
  "POST /api/v1/me/password": own,
  "POST /api/v1/me/recovery-codes": own,
  "GET /api/v1/me/first-steps": own,
  "PUT /api/v1/me/first-steps": own,
  "GET /api/v1/me/sessions": own,
  "POST /api/v1/me/sessions/revoke-others": own,
  "DELETE /api/v1/me/sessions/{id}": own,
  "POST /api/v1/me/totp": own,
  "DELETE /api/v1/me/totp": own,
  "POST /api/v1/me/totp/enable": own,
  "GET /api/v1/session": inBrowser,
  "POST /api/v1/session": inBrowser,
  "DELETE /api/v1/session": inBrowser,
  "POST /api/v1/session/confirm": inBrowser,
  "POST /api/v1/session/confirm/options": inBrowser,
  "POST /api/v1/session/factor": inBrowser,
  "POST /api/v1/session/oidc": inBrowser,
  "POST /api/v1/session/oidc/complete": inBrowser,
  "GET /api/v1/session/options": inBrowser,
  "POST /api/v1/session/organization": "tokens are of one organisation: organizations switch changes the context",
  "POST /api/v1/session/passkey": inBrowser,
  "POST /api/v1/session/passkey/options": inBrowser,
  "GET /api/v1/audit/contradictions": "audit verify tells them",
  "GET /api/v1/audit/counts": figures,
  "GET /api/v1/events/counts": figures,
  "GET /api/v1/webhooks/{id}/deliveries/counts": figures,
  "GET /api/v1/servers/sparklines": "for the web's list; devflow metrics draws them",
};

const root = join(import.meta.dirname, "../../..");
const { paths } = JSON.parse(readFileSync(join(root, "docs/openapi.json"), "utf8")) as { paths: Record<string, Record<string, unknown>> };
const routes = Object.entries(paths).flatMap(([path, methods]) =>
  ["get", "post", "put", "patch", "delete"].filter((method) => method in methods).map((method) => `${method.toUpperCase()} ${path}`),
);

const source = [
  ...readdirSync(import.meta.dirname, { recursive: true, encoding: "utf8" })
    .filter((name) => /^(commands\/|find-)/.test(name))
    .map((name) => readFileSync(join(import.meta.dirname, name), "utf8")),
  // Behind client.events.follow().
  'client.get("/api/v1/events/stream")',
].join("\n");
const called = new Set(
  [...source.matchAll(/\.(get|post|put|patch|delete|list|text|download)\(\s*"(\/[^"]+)"/g)].map(
    ([, method, path]) => `${/list|text|download/.test(method!) ? "GET" : method!.toUpperCase()} ${path}`,
  ),
);

it("has a command for every route, or a reason why not", () => {
  expect(routes.filter((route) => !called.has(route) && !(route in without))).toEqual([]);
  // A reason for what there is, or is no more, misleads the next reader.
  expect(Object.keys(without).filter((route) => called.has(route) || !routes.includes(route))).toEqual([]);
});

const leaves = (command: Command, path: readonly string[] = []): [string, Command][] =>
  command.commands.length === 0 ? [[path.join(" "), command]] : command.commands.flatMap((sub) => leaves(sub, [...path, sub.name()]));

it("shows an example with the help of each command", () => {
  const terminal = createTerminal(process, {});
  const program = createProgram({ terminal, now: () => 0, signal: new AbortController().signal });
  const help = (command: Command) => {
    let text = "";
    command.configureOutput({ writeOut: (part) => (text += part) });
    command.outputHelp();
    return text;
  };
  const bare = leaves(program).filter(([name, command]) => !name.startsWith("__") && !help(command).includes(`$ `));
  expect(bare.map(([name]) => name)).toEqual([]);
});
