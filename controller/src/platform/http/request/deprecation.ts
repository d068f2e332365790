import type { RouteDefinition } from "../route.ts";

/** Deprecation (RFC 9745), Sunset (RFC 8594) and a link to what takes its place. */
export function deprecationHeaders({ deprecated }: Pick<RouteDefinition, "deprecated">): [string, string][] {
  if (deprecated === undefined) return [];
  const headers: [string, string][] = [["deprecation", `@${Date.parse(deprecated.since) / 1000}`]];
  if (deprecated.sunset !== undefined) headers.push(["sunset", new Date(deprecated.sunset).toUTCString()]);
  if (deprecated.successor !== undefined) headers.push(["link", `<${deprecated.successor}>; rel="successor-version"`]);
  return headers;
}
