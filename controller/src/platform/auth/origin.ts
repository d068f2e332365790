/** What a browser says about where a request comes from. */
export interface OriginFacts {
  readonly origin: string | null;
  readonly fetchSite: string | null;
  /** Host header. */
  readonly host: string | null;
}

/**
 * Whether the page that sent a request is ours. Cookies travel with requests that other sites make, so everything
 * that changes something, and every WebSocket, asks this first.
 * @param publicUrl when its host is the one that is used, its scheme must be too: http://host is another origin than https://host
 * @param without what to say when neither Origin nor Sec-Fetch-Site came (no browser sends such a request to change something)
 */
export function isOwnOrigin({ origin, fetchSite, host }: OriginFacts, publicUrl: URL | null, without: boolean): boolean {
  if (fetchSite !== null && fetchSite !== "same-origin" && fetchSite !== "none") return false;
  if (origin === null) return fetchSite === null ? without : true;
  const from = URL.parse(origin);
  if (from === null || host === null) return false;
  if (publicUrl !== null && from.host === publicUrl.host) return from.origin === publicUrl.origin;
  return (from.protocol === "http:" || from.protocol === "https:") && from.host === URL.parse(`${from.protocol}//${host}`)?.host;
}
