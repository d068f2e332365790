/** Policy of everything that is no page: nothing may run or load. */
export const apiPolicy = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/** @param https whether browsers come by https: then they are told to stay with it */
export function securityHeaders(https: boolean): readonly (readonly [string, string])[] {
  return [
    ["x-content-type-options", "nosniff"],
    ["x-frame-options", "DENY"],
    ["referrer-policy", "no-referrer"],
    ["cross-origin-opener-policy", "same-origin"],
    ["cross-origin-resource-policy", "same-origin"],
    ["permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"],
    ...(https ? ([["strict-transport-security", "max-age=63072000; includeSubDomains"]] as const) : []),
  ];
}

/**
 * The policy that the built page carries in its meta element, as a header with frame-ancestors (which a meta element
 * cannot state). Without a meta element a strict policy that runs no inline script.
 */
export function pagePolicy(html: string): string {
  const meta = /<meta\s+http-equiv="content-security-policy"\s+content="([^"]*)"/i.exec(html)?.[1];
  const policy =
    meta?.replaceAll("&#39;", "'").replaceAll("&quot;", '"').replaceAll("&amp;", "&").trim().replace(/;$/, "") ??
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'";
  return `${policy}; frame-ancestors 'none'`;
}
