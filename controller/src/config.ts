import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { z } from "zod";
import { withSecretFiles } from "./secret-files.ts";

/** All settings of the controller, from the environment. The only reader of process.env; the table is docs/operations/settings.md. */
export interface Config {
  /** "web", "gateway", "worker", "signer"; all of them in one process by default. */
  readonly roles: ReadonlySet<Role>;
  /** Address of the web listener. Default 127.0.0.1: plain HTTP stays on this machine until a TLS proxy is put before it. */
  readonly host: string;
  readonly port: number;
  /** Address of the gateway and the enrolment listener, both TLS. Default "::" (all addresses). */
  readonly gatewayHost: string;
  readonly gatewayPort: number;
  readonly enrolPort: number;
  readonly dataDir: string;
  /** Null: the embedded PostgreSQL. */
  readonly databaseUrl: string | null;
  /** For LISTEN and advisory locks when databaseUrl goes through a pooler. Null: the same as databaseUrl. */
  readonly databaseDirectUrl: string | null;
  /** Origin that browsers and servers use, for example https://devflow.example.com. Null: not public. */
  readonly publicUrl: URL | null;
  /** Addresses or CIDR blocks of proxies whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[];
  /** Host names beside the public one under which browsers may come. */
  readonly allowedHosts: readonly string[];
  /** Where to report holes (mailto: or https:), for security.txt. Null: there is none. */
  readonly securityContact: URL | null;
  /** Master key, 32 bytes as base64. Null: a file in dataDir, allowed with the embedded database only. */
  readonly secretKey: string | null;
  /** The master key that `devflow admin change-master-key` changes to; nothing else reads it. Null: it makes a file. */
  readonly newSecretKey: string | null;
  readonly adminEmail: string | null;
  readonly adminPassword: string | null;
  readonly bootstrapToken: string | null;
  readonly localAgent: boolean;
  /** Range API of stolen passwords; five characters of a SHA-1 are appended. Asked only where the administrator turned that on. */
  readonly breachedPasswordsUrl: URL;
  readonly logLevel: string;
  /** Where a gateway gives live frames to other controllers, which get this very address; port 0: any. */
  readonly internalListen: { readonly host: string; readonly port: number };
  /** Requests a minute: of a token or user, and of an address without either. 0: no limit. */
  readonly rateLimit: { readonly known: number; readonly unknown: number };
  readonly retention: { readonly tenSecondDays: number; readonly minuteDays: number; readonly hourDays: number };
}

export const roles = ["web", "gateway", "worker", "signer"] as const;
export type Role = (typeof roles)[number];

const port = (fallback: number) =>
  z.string().regex(/^\d+$/, "expected a port number").transform(Number).pipe(z.int().min(0).max(65_535)).default(fallback);
const days = (fallback: number) =>
  z.string().regex(/^\d+$/, "expected a whole number of days").transform(Number).pipe(z.int().min(1).max(36_500)).default(fallback);
const perMinute = (fallback: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, "expected a whole number of requests a minute, 0 for no limit")
    .transform(Number)
    .default(fallback);
const list = z
  .string()
  .transform((s) =>
    s
      .split(",")
      .map((x) => x.trim())
      .filter(Boolean),
  )
  .default([]);

/** Other controllers are told this address, so it has to be one that leads here. */
const internalListen = z
  .string()
  .regex(/^(?:[a-zA-Z0-9.-]+|\[[0-9a-fA-F:.]+\]):\d{1,5}$/, "expected host:port, for example 10.0.0.5:8445")
  .transform((text) => ({
    host: text.slice(0, text.lastIndexOf(":")).replace(/^\[|\]$/g, ""),
    port: Number(text.slice(text.lastIndexOf(":") + 1)),
  }))
  .refine(({ port }) => port <= 65_535, "expected a port of at most 65535")
  .refine(
    ({ host }) => !/^(0\.0\.0\.0|::|0:0:0:0:0:0:0:0)$/.test(host),
    "expected the address that other controllers reach, not all addresses",
  )
  .default({ host: "127.0.0.1", port: 0 });

/** Its host becomes part of lines that people paste into a root shell, so it is made of plain characters only. */
const publicUrl = z
  .url({ protocol: /^https?$/, error: "expected https://host or http://host:port" })
  .transform((text) => new URL(text))
  .refine((url) => /^(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])$/.test(url.hostname), "expected a host of letters, digits, dots and dashes")
  .refine((url) => url.href === `${url.origin}/`, "expected an origin alone: no user, path, query or fragment");

/** A line of security.txt is made from it. */
const securityContact = z
  .string()
  .regex(/^(?:mailto:[^\s@]+@[^\s@]+|https:\/\/\S+)$/, "expected mailto:security@example.com or https://example.com/report")
  .refine((text) => URL.canParse(text), "expected mailto:security@example.com or https://example.com/report")
  .transform((text) => new URL(text));

const settings = z.strictObject({
  DEVFLOW_ROLES: z
    .string()
    .transform((s) => s.split(",").map((x) => x.trim()))
    .pipe(z.array(z.enum(roles)).min(1))
    .default([...roles]),
  DEVFLOW_HOST: z.string().min(1).default("127.0.0.1"),
  DEVFLOW_PORT: port(8080),
  DEVFLOW_GATEWAY_HOST: z.string().min(1).default("::"),
  DEVFLOW_GATEWAY_PORT: port(8443),
  DEVFLOW_ENROL_PORT: port(8444),
  DEVFLOW_INTERNAL_LISTEN: internalListen,
  DEVFLOW_DATA_DIR: z.string().min(1).optional(),
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/, error: "expected postgres://user:password@host:port/database" }).optional(),
  DATABASE_DIRECT_URL: z.url({ protocol: /^postgres(ql)?$/, error: "expected postgres://user:password@host:port/database" }).optional(),
  DEVFLOW_PUBLIC_URL: publicUrl.optional(),
  DEVFLOW_TRUSTED_PROXIES: list,
  DEVFLOW_ALLOWED_HOSTS: list.pipe(
    z.array(z.string().regex(/^[a-zA-Z0-9._-]+$/, "expected host names without scheme and port, for example devflow.internal.example")),
  ),
  DEVFLOW_SECURITY_CONTACT: securityContact.optional(),
  DEVFLOW_SECRET_KEY: z.string().optional(),
  DEVFLOW_NEW_SECRET_KEY: z.string().optional(),
  DEVFLOW_ADMIN_EMAIL: z.email().optional(),
  DEVFLOW_ADMIN_PASSWORD: z.string().min(12, "expected 12 characters or more").max(128, "expected 128 characters or fewer").optional(),
  // As it can stand in an Authorization header; another one would be accepted here and never answer.
  DEVFLOW_BOOTSTRAP_TOKEN: z
    .string()
    .regex(/^[\x21-\x7e]{32,200}$/, "expected 32 to 200 visible characters without spaces")
    .refine((text) => !text.startsWith("devflow_"), "expected a token of your own; those that DevFlow makes begin with devflow_")
    .refine((text) => new Set(text).size >= 8, "expected a random token, for example from: openssl rand -hex 32")
    .optional(),
  DEVFLOW_LOCAL_AGENT: z.enum(["on", "off"]).default("on"),
  DEVFLOW_BREACHED_PASSWORDS_URL: z
    .url({ protocol: /^https?$/, error: "expected https://host/path/" })
    .transform((text) => new URL(text))
    .refine(
      (url) => url.pathname.endsWith("/") && url.search === "" && url.hash === "",
      "expected an address that ends in /, without query",
    )
    .refine((url) => url.username === "" && url.password === "", "expected an address without user and password")
    .default(new URL("https://api.pwnedpasswords.com/range/")),
  DEVFLOW_LOG_LEVEL: z.enum(["trace", "debug", "info", "warn", "error"]).default("info"),
  DEVFLOW_RATE_LIMIT: perMinute(6_000),
  DEVFLOW_RATE_LIMIT_ANONYMOUS: perMinute(600),
  DEVFLOW_RETENTION_10S_DAYS: days(14),
  DEVFLOW_RETENTION_1M_DAYS: days(90),
  DEVFLOW_RETENTION_1H_DAYS: days(730),
});

/** Names of all settings; docs/operations/settings.md has a line for each. */
export const settingNames: readonly string[] = Object.keys(settings.shape);

/** Names that other parts of the project read and the controller leaves alone; the last are the command line's. */
const foreign = /^DEVFLOW_(TEST|AGENT|BENCH)_|^DEVFLOW_(URL|TOKEN|CONTEXT|ALLOW_HTTP)$/;

/**
 * Reads the settings. Throws Error with one line for each wrong or unknown setting.
 * @param env usually process.env
 * @param readFile for settings given as files (NAME_FILE)
 */
export function readConfig(env: Record<string, string | undefined>, readFile = (path: string) => readFileSync(path, "utf8")): Config {
  const given = Object.fromEntries(
    Object.entries(withSecretFiles(env, readFile)).filter(
      ([name, value]) =>
        value !== undefined &&
        value !== "" &&
        (/^DATABASE_(DIRECT_)?URL$/.test(name) || (name.startsWith("DEVFLOW_") && !foreign.test(name))),
    ),
  );
  const parsed = settings.safeParse(given);
  if (!parsed.success) {
    const lines = parsed.error.issues.flatMap((issue) =>
      issue.code === "unrecognized_keys"
        ? issue.keys.map((key) => `  ${key} is not a setting; docs/operations/settings.md lists them`)
        : [`  ${issue.path.join(".")}: ${issue.message}`],
    );
    throw new Error(`Settings are wrong:\n${lines.join("\n")}`);
  }
  const s = parsed.data;
  if ((s.DEVFLOW_ADMIN_EMAIL === undefined) !== (s.DEVFLOW_ADMIN_PASSWORD === undefined)) {
    throw new Error("Settings are wrong:\n  DEVFLOW_ADMIN_EMAIL and DEVFLOW_ADMIN_PASSWORD go together; set both or neither");
  }
  const own = new Set(s.DEVFLOW_ROLES);
  if (own.size === 1 && own.has("signer"))
    throw new Error("Settings are wrong:\n  DEVFLOW_ROLES: signer alone has nothing to do; it goes with web, gateway or worker");
  const missing = roles.filter((role) => !own.has(role));
  if (missing.length > 0 && s.DATABASE_URL === undefined) {
    throw new Error(
      `Settings are wrong:\n  DEVFLOW_ROLES: ${missing.join(", ")} would run nowhere, since the embedded database serves one process alone. Set DATABASE_URL, the same for all, or leave DEVFLOW_ROLES away`,
    );
  }
  return {
    roles: own,
    host: s.DEVFLOW_HOST,
    port: s.DEVFLOW_PORT,
    gatewayHost: s.DEVFLOW_GATEWAY_HOST,
    gatewayPort: s.DEVFLOW_GATEWAY_PORT,
    enrolPort: s.DEVFLOW_ENROL_PORT,
    dataDir: resolve(s.DEVFLOW_DATA_DIR ?? (process.getuid?.() === 0 ? "/var/lib/devflow" : join(homedir(), ".local/share/devflow"))),
    databaseUrl: s.DATABASE_URL ?? null,
    databaseDirectUrl: s.DATABASE_DIRECT_URL ?? null,
    publicUrl: s.DEVFLOW_PUBLIC_URL ?? null,
    trustedProxies: s.DEVFLOW_TRUSTED_PROXIES,
    allowedHosts: s.DEVFLOW_ALLOWED_HOSTS,
    securityContact: s.DEVFLOW_SECURITY_CONTACT ?? null,
    secretKey: s.DEVFLOW_SECRET_KEY ?? null,
    newSecretKey: s.DEVFLOW_NEW_SECRET_KEY ?? null,
    adminEmail: s.DEVFLOW_ADMIN_EMAIL ?? null,
    adminPassword: s.DEVFLOW_ADMIN_PASSWORD ?? null,
    bootstrapToken: s.DEVFLOW_BOOTSTRAP_TOKEN ?? null,
    breachedPasswordsUrl: s.DEVFLOW_BREACHED_PASSWORDS_URL,
    localAgent: s.DEVFLOW_LOCAL_AGENT === "on",
    internalListen: s.DEVFLOW_INTERNAL_LISTEN,
    logLevel: s.DEVFLOW_LOG_LEVEL,
    rateLimit: { known: s.DEVFLOW_RATE_LIMIT, unknown: s.DEVFLOW_RATE_LIMIT_ANONYMOUS },
    retention: {
      tenSecondDays: s.DEVFLOW_RETENTION_10S_DAYS,
      minuteDays: s.DEVFLOW_RETENTION_1M_DAYS,
      hourDays: s.DEVFLOW_RETENTION_1H_DAYS,
    },
  };
}
