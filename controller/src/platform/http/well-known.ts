import type { Context } from "../context.ts";
import type { Api } from "./index.ts";

/** As RFC 9116 advises: less than a year, so that an old copy shows its age. */
const validForDays = 180;
const text = { "content-type": "text/plain; charset=utf-8", "cache-control": "public, max-age=86400" };

/** /robots.txt, and /.well-known/security.txt when there is somebody to report holes to. Both open. */
export function wellKnownFiles(api: Api, ctx: Pick<Context, "config" | "clock">): void {
  // No search engine has anything to look for here.
  api.openFiles(["/robots.txt"], () => new Response("User-agent: *\nDisallow: /\n", { headers: text }));
  const { securityContact } = ctx.config;
  if (securityContact === null) return;
  api.openFiles(["/.well-known/security.txt"], () => new Response(securityTxt(ctx, securityContact), { headers: text }));
}

/** The lines of RFC 9116; Canonical only when the public address is known. */
function securityTxt({ config, clock }: Pick<Context, "config" | "clock">, contact: URL): string {
  const today = Math.floor(clock.now() / 86_400_000);
  const expires = new Date((today + validForDays) * 86_400_000).toISOString().replace(".000", "");
  const canonical = config.publicUrl === null ? "" : `Canonical: ${config.publicUrl.origin}/.well-known/security.txt\n`;
  return `Contact: ${contact.href}\nExpires: ${expires}\n${canonical}Preferred-Languages: en\n`;
}
