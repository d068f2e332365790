import { networkInterfaces } from "node:os";
import type { Context } from "../../platform/context.ts";
import type { AuthorityFacts } from "./authority.ts";

const loopback = /^(localhost|.*\.localhost|127(\.\d{1,3}){3}|::1|0\.0\.0\.0|::)$/i;

/** Host of a Host header, without port and brackets; null when it is not a plain host name or address. */
export function hostOf(header: string | null): string | null {
  const match = /^(?:\[([0-9a-fA-F:.]{2,45})\]|([A-Za-z0-9.-]{1,253}))(?::\d{1,5})?$/.exec(header ?? "");
  return match?.[1] ?? match?.[2] ?? null;
}

/** Brackets around an IPv6 address, as URLs want them. */
export const urlHost = (host: string): string => (host.includes(":") ? `[${host}]` : host);

/**
 * Where servers reach this controller: the public address, else what the browser used unless that is this machine's
 * loopback, else this machine's first outside address, else its host name as a last resort.
 */
export function reachableHost(publicUrl: URL | null, requestHost: string | null, addresses: readonly string[]): string {
  const asked = hostOf(requestHost);
  if (publicUrl !== null && !loopback.test(publicUrl.hostname.replace(/^\[|\]$/g, ""))) return publicUrl.hostname.replace(/^\[|\]$/g, "");
  if (asked !== null && !loopback.test(asked)) return asked;
  return addresses[0] ?? "127.0.0.1";
}

/** Addresses of this machine that others may reach, IPv4 first, without those of containers' bridges. */
export function outsideAddresses(): string[] {
  const all = Object.entries(networkInterfaces()).flatMap(([name, list]) =>
    /^(docker|br-|veth|virbr|cni|podman)/.test(name) ? [] : (list ?? []),
  );
  const outside = all.filter((one) => !one.internal && !/^(fe80|169\.254)/i.test(one.address));
  return outside.toSorted((a, b) => a.family.localeCompare(b.family)).map((one) => one.address);
}

/**
 * Lines to paste on a server. `command` pins the enrolment listener's key and needs no trust in the way there;
 * `shortCommand` stands on the public certificate before the web port, and is null without one. Every part is made of
 * characters that a shell takes literally.
 */
export function installCommands(
  ctx: Context,
  { secret, facts, requestHost }: { secret: string; facts: AuthorityFacts; requestHost: string | null },
): { command: string; shortCommand: string | null } {
  const host = urlHost(reachableHost(ctx.config.publicUrl, requestHost, outsideAddresses()));
  const { publicUrl, enrolPort } = ctx.config;
  return {
    command: `curl -fsSLk --pinnedpubkey 'sha256//${facts.enrolmentKeyPin}' 'https://${host}:${enrolPort}/install.sh' | sudo sh -s -- --token ${secret} --ca ${facts.caFingerprint}`,
    shortCommand:
      publicUrl?.protocol === "https:"
        ? `curl -fsSL --proto '=https' '${publicUrl.origin}/install.sh' | sudo sh -s -- --token ${secret}`
        : null,
  };
}
