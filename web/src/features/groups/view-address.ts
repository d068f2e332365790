import type { ViewQuery } from "@devflow/api";

const keys = ["q", "sort", "view", "by"] as const;

/** What of the page's address makes a view. */
export function readView(search: Pick<URLSearchParams, "get">): ViewQuery {
  const [q, sort, by] = [search.get("q"), search.get("sort"), search.get("by")];
  return {
    ...(q && { q }),
    ...(sort && { sort }),
    ...(search.get("view") === "cards" && { view: "cards" }),
    ...((by === "group" || by === "tag") && { by }),
  };
}

export const sameQuery = (a: ViewQuery, b: ViewQuery): boolean => keys.every((key) => (a[key] ?? "").trim() === (b[key] ?? "").trim());

/** Address of a view; one without a filter says "all", so that the default view does not take its place. */
export function viewAddress(query: ViewQuery): string {
  const pairs = keys.flatMap((key) => (query[key] ? [`${key}=${encodeURIComponent(query[key]).replaceAll("%3A", ":")}`] : []));
  return `/servers?${pairs.length > 0 ? pairs.join("&") : "all=1"}`;
}

/** Whether an address asks for nothing: all servers, by name, as a table. */
export const readsNothing = (search: Pick<URLSearchParams, "get">): boolean => sameQuery(readView(search), {});
