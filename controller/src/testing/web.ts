import { randomUUID } from "node:crypto";
import type { Role } from "@devflow/api";
import type { Logger } from "pino";
import { features } from "../features.ts";
import { gatewayCredentials } from "../features/enrolment/index.ts";
import { newTokenSecret, tokenHash } from "../features/tokens/secret.ts";
import type { Config } from "../config.ts";
import type { Refusals } from "../platform/audit/refusals.ts";
import type { MasterKey } from "../platform/crypto/index.ts";
import type { HttpApi } from "../platform/http/api.ts";
import type { Stop } from "../platform/feature.ts";
import { listenWeb } from "../platform/http/server.ts";
import { createWeb } from "../web.ts";
import { testContext, type TestContext } from "./context.ts";

export const adminEmail = "anna@example.com";
export const adminPassword = "correct horse battery staple";

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed when it is JSON, otherwise the text. */
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into answers of every shape
  readonly body: any;
}

export interface Ask {
  readonly method?: string;
  /** API token. */
  readonly token?: string;
  readonly cookie?: string;
  readonly headers?: Record<string, string>;
  /** Sent as JSON; a string is sent as it is. */
  readonly json?: unknown;
}

/** The web role on a port and a database of its own, with an administrator and whatever tokens a test wants. */
export interface TestWeb {
  readonly ctx: TestContext;
  readonly api: HttpApi;
  readonly origin: string;
  readonly setupCode: string | null;
  readonly refusals: Refusals;
  ask(path: string, ask?: Ask): Promise<Answer>;
  /** Cookie header of a new session of the administrator. */
  signIn(): Promise<string>;
  /** A token of any role; of the default organisation unless another is named. */
  token(role: Role, organizationId?: string): Promise<string>;
  /** Another tenant. */
  organization(): Promise<string>;
  /** A server row as enrolment leaves it. Returns its id. */
  server(values?: { organizationId?: string; name?: string }): Promise<string>;
  close(): Promise<void>;
}

/** @param config settings beside the defaults; the administrator is made unless adminEmail is null */
export async function testWeb(
  config: Partial<Config> = {},
  options: { webFolder?: string; log?: Logger; masterKey?: MasterKey } = {},
): Promise<TestWeb> {
  const ctx = await testContext({
    ...(options.log !== undefined && { log: options.log }),
    ...(options.masterKey !== undefined && { masterKey: options.masterKey }),
    config: { roles: new Set(["web"] as const), adminEmail, adminPassword, port: 0, rateLimit: { known: 1e6, unknown: 1e6 }, ...config },
  });
  // The certification authority, as a gateway makes it when it starts.
  await gatewayCredentials(ctx);
  const stops: (Stop | undefined)[] = [];
  for (const feature of features) stops.push(await feature.start?.(ctx));
  const web = await createWeb(ctx, features, options.webFolder ?? "/nonexistent");
  const listener = await listenWeb(ctx, web.api);
  const origin = `http://127.0.0.1:${listener.port}`;

  const ask = async (path: string, { method = "GET", token, cookie, headers = {}, json }: Ask = {}): Promise<Answer> => {
    const response = await fetch(origin + path, {
      method,
      redirect: "manual",
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(cookie === undefined ? {} : { cookie, origin }),
        ...(json === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(json === undefined ? {} : { body: typeof json === "string" ? json : JSON.stringify(json) }),
    });
    // A stream goes on for ever: what it begins with is its answer.
    const isStream = response.headers.get("content-type") === "text/event-stream";
    const text = isStream ? await firstChunk(response) : await response.text();
    const isJson = /[/+]json/.test(response.headers.get("content-type") ?? "");
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
  };

  return {
    ctx,
    api: web.api,
    origin,
    setupCode: web.setupCode,
    refusals: web.refusals,
    ask,
    async signIn() {
      const answer = await ask("/api/v1/session", { method: "POST", json: { email: adminEmail, password: adminPassword } });
      if (answer.status !== 200) throw new Error(`sign-in: ${answer.status} ${JSON.stringify(answer.body)}`);
      return answer.headers
        .getSetCookie()
        .map((value) => value.split(";", 1)[0])
        .join("; ");
    },
    async token(role, organizationId = ctx.installation.defaultOrganizationId) {
      const secret = newTokenSecret();
      const id = randomUUID();
      await ctx.sql`insert into api_tokens (id, organization_id, name, prefix, sha256) values (${id}, ${organizationId}, ${role}, 'devflow_api_', ${tokenHash(secret)})`;
      await ctx.sql`insert into grants (organization_id, principal_kind, principal_id, role, scope_kind, scope_id)
        values (${organizationId}, 'token', ${id}, ${role}, 'organization', ${organizationId})`;
      return secret;
    },
    async organization() {
      const [row] = await ctx.sql<{ id: string }[]>`insert into organizations (name) values ('Other') returning id`;
      return row!.id;
    },
    async server({ organizationId = ctx.installation.defaultOrganizationId, name = "web-1" } = {}) {
      const [row] = await ctx.sql<
        { id: string }[]
      >`insert into servers (organization_id, name, hostname) values (${organizationId}, ${name}, ${name}) returning id`;
      return row!.id;
    },
    async close() {
      await listener.close();
      await web.close();
      for (const stop of stops) await stop?.();
      await ctx.close();
    },
  };
}

async function firstChunk(response: Response): Promise<string> {
  const reader = response.body!.getReader();
  const { value } = await reader.read();
  await reader.cancel();
  return new TextDecoder().decode(value);
}
