import type { Config } from "./config.ts";

/**
 * What the first screen after a start says to a person: where the pages are and, while there is no user, the link that
 * makes the first administrator.
 * @param webPort null without the role "web"
 */
export function banner(config: Pick<Config, "publicUrl" | "host">, webPort: number | null, setupCode: string | null): string {
  if (webPort === null) return "";
  const everywhere = config.host === "::" || config.host === "0.0.0.0";
  const host = everywhere ? "127.0.0.1" : config.host.includes(":") ? `[${config.host}]` : config.host;
  const address = config.publicUrl?.origin ?? `http://${host}:${webPort}`;
  const lines = [`  DevFlow is running at ${address}`];
  // The code stands behind #, so that no proxy or server log ever sees it.
  if (setupCode !== null)
    lines.push("", "  Make the first administrator (this link works once, for 24 hours):", `  ${address}/setup#${setupCode}`);
  return `\n${lines.join("\n")}\n\n`;
}
