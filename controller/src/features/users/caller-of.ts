import type { Caller } from "../../platform/auth/index.ts";

/** Who sends a request, apart from its credentials. */
export const callerOf = (request: { readonly address: string | null; readonly headers: Headers }): Caller => ({
  address: request.address,
  userAgent: request.headers.get("user-agent"),
});

/** Set-Cookie headers of a Reply. */
export const setCookies = (cookies: readonly string[]) => cookies.map((cookie) => ["set-cookie", cookie] as const);
