import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { extname, join, relative, sep } from "node:path";
import { pagePolicy } from "./security-headers.ts";

const types: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".webmanifest": "application/manifest+json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".webp": "image/webp",
  ".avif": "image/avif",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
  ".txt": "text/plain; charset=utf-8",
  ".map": "application/json",
  ".wasm": "application/wasm",
};

export interface StaticAnswer {
  readonly body: Buffer;
  readonly headers: Record<string, string>;
  readonly status: 200 | 304;
}

interface File {
  readonly path: string;
  readonly body: Buffer;
  readonly etag: string;
}

/**
 * The built web folder. It is listed once, and only what was listed is served: no path can leave the folder, whatever
 * it says. Listed again when its index.html changes.
 */
export function createStaticFiles(folder: string): { answer(path: string, request: Headers): StaticAnswer | null } {
  let files = new Map<string, string>();
  let built = -1;
  let policy = "";
  const loaded = new Map<string, File>();

  const refresh = () => {
    const changed = statSync(join(folder, "index.html"), { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (changed === built) return;
    built = changed;
    loaded.clear();
    files = new Map();
    if (changed === 0) return;
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      // isFile() is false for symbolic links, so a link out of the folder is not listed.
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      files.set(`/${relative(folder, path).split(sep).join("/")}`, path);
    }
    policy = pagePolicy(readFileSync(join(folder, "index.html"), "utf8"));
  };

  const load = (name: string): File | null => {
    const known = loaded.get(name);
    if (known !== undefined) return known;
    const path = files.get(name);
    if (path === undefined) return null;
    const body = readFileSync(path);
    const file = { path, body, etag: `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"` };
    loaded.set(name, file);
    return file;
  };

  return {
    answer(path, request) {
      refresh();
      let name: string;
      try {
        name = decodeURIComponent(path);
      } catch {
        return null;
      }
      // A path of the application's own router has no extension; a missing file has one and stays missing.
      const page = !files.has(name) && extname(name) === "" ? "/index.html" : name;
      const file = load(page);
      if (file === null) return null;
      const html = page.endsWith(".html");
      const encoding = (
        [
          ["br", ".br"],
          ["gzip", ".gz"],
        ] as const
      ).find(([coding]) => new RegExp(`\\b${coding}\\b`).test(request.get("accept-encoding") ?? ""));
      const packed = encoding === undefined ? null : load(`${page}${encoding[1]}`);
      const etag = packed === null ? file.etag : packed.etag;
      const headers: Record<string, string> = {
        "content-type": types[extname(page)] ?? "application/octet-stream",
        "cache-control": page.startsWith("/_app/immutable/") ? "public, max-age=31536000, immutable" : "no-cache",
        etag,
        vary: "accept-encoding",
        ...(packed === null ? {} : { "content-encoding": encoding![0] }),
        ...(html ? { "content-security-policy": policy } : {}),
      };
      return request.get("if-none-match") === etag
        ? { status: 304, body: Buffer.alloc(0), headers }
        : { status: 200, body: (packed ?? file).body, headers };
    },
  };
}
