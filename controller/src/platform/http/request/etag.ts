import { hash } from "node:crypto";
import type { RouteDefinition } from "../route.ts";

const short = (text: string, length: number) => hash("sha256", text, "base64url").slice(0, length);

/**
 * Weak entity tag of a JSON answer: a hash of its text, and before a dot the version of what people can change in it,
 * when the route states one. If-None-Match compares all of it, If-Match the version.
 */
export function etagOf(definition: RouteDefinition, body: unknown, text: string): string {
  const version = definition.version === undefined ? "" : `${short(JSON.stringify(definition.version(body)), 16)}.`;
  return `W/"${version}${short(text, 22)}"`;
}

/** Tags of If-Match or If-None-Match without W/ and quotes; "*" stays. */
export const tagsOf = (header: string): string[] =>
  header
    .split(",")
    .map((tag) =>
      tag
        .trim()
        .replace(/^W\//, "")
        .replace(/^"(.*)"$/, "$1"),
    )
    .filter(Boolean);

const inner = (etag: string) => tagsOf(etag)[0]!;
const versionOf = (tag: string) => tag.split(".")[0]!;

/** Whether a reader has this very answer already. */
export const isSame = (ifNoneMatch: string | null | undefined, etag: string): boolean =>
  ifNoneMatch != null && tagsOf(ifNoneMatch).some((tag) => tag === "*" || tag === inner(etag));

/** Whether the thing is still as one of the tags says, apart from what changes by itself. */
export const isUnchanged = (ifMatch: string, etag: string): boolean =>
  tagsOf(ifMatch).some((tag) => tag === "*" || versionOf(tag) === versionOf(inner(etag)));
