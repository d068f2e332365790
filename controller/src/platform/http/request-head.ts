import type { IncomingMessage } from "node:http";

/** What is wrong with a request's head: the status of its answer and words for who sent it. */
export interface HeadFault {
  readonly status: 400 | 417 | 421;
  readonly detail: string;
}

type Head = Pick<IncomingMessage, "rawHeaders" | "headers" | "url" | "httpVersion">;

/** Two of these mean two things to two readers, say a proxy and us. */
const single = new Set(["host", "authorization", "content-type", "transfer-encoding", "origin", "upgrade"]);
const hostPattern = /^(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i;

/**
 * Looks at what Node's parser lets through and other readers of the same bytes may understand differently, and at whom
 * the request is for. Null when nothing is wrong.
 * @param isOwnHost whether a host name leads here
 */
export function headFault(
  { rawHeaders, headers, url = "", httpVersion }: Head,
  isOwnHost: (hostname: string) => boolean,
): HeadFault | null {
  const seen = new Set<string>();
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase();
    if (!single.has(name)) continue;
    if (seen.has(name)) return malformed(`The header ${name} stands here twice; send it once`);
    seen.add(name);
  }
  const coding = headers["transfer-encoding"];
  if (coding !== undefined && (coding.toLowerCase() !== "chunked" || httpVersion !== "1.1"))
    return malformed("Expected no Transfer-Encoding but chunked, and that in HTTP/1.1 alone");
  const host = headers.host ?? "";
  const target = hostPattern.test(host) ? URL.parse(`http://${host}`) : null;
  if (target === null) return malformed("This request names no address of this controller; check its Host header");
  if (url.includes("#")) return malformed("The path holds a fragment (#), which browsers keep to themselves");
  if (!url.startsWith("/")) {
    const absolute = URL.parse(url);
    if (absolute === null || !/^https?:$/.test(absolute.protocol) || absolute.host !== URL.parse(`${absolute.protocol}//${host}`)?.host)
      return malformed("This request names no address of this controller; check its path and its Host header");
  }
  if (isOwnHost(target.hostname)) return null;
  return {
    status: 421,
    detail: `${target.hostname.slice(0, 100)} is not known as a name of this controller; its administrator sets DEVFLOW_PUBLIC_URL or DEVFLOW_ALLOWED_HOSTS`,
  };
}

const malformed = (detail: string): HeadFault => ({ status: 400, detail });
