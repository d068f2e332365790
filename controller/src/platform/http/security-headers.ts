/** Policy of everything that is no page: nothing may run or load. */
export const apiPolicy = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

const unusedFeatures = [
  "accelerometer",
  "autoplay",
  "bluetooth",
  "browsing-topics",
  "camera",
  "display-capture",
  "geolocation",
  "gyroscope",
  "hid",
  "magnetometer",
  "microphone",
  "midi",
  "payment",
  "screen-wake-lock",
  "serial",
  "usb",
  "xr-spatial-tracking",
];

/** What every answer carries, whatever it is. */
export const securityHeaders: readonly (readonly [string, string])[] = [
  ["x-content-type-options", "nosniff"],
  ["x-frame-options", "DENY"],
  ["referrer-policy", "no-referrer"],
  ["cross-origin-opener-policy", "same-origin"],
  ["cross-origin-resource-policy", "same-origin"],
  ["permissions-policy", unusedFeatures.map((name) => `${name}=()`).join(", ")],
  ["x-permitted-cross-domain-policies", "none"],
  ["x-robots-tag", "noindex, nofollow"],
];

/** Told to browsers that came by https: stay with it. */
export const strictTransport = ["strict-transport-security", "max-age=63072000; includeSubDomains"] as const;

/**
 * Whether a request came by https, by the address that people use or a trusted proxy's word.
 * @param forwardedProto X-Forwarded-Proto of a trusted proxy, the one nearest to us last; null without one
 */
export function cameByHttps(publicProtocol: string | null, forwardedProto: string | null): boolean {
  const told = forwardedProto?.split(",").at(-1)?.trim().toLowerCase();
  return told === undefined || told === "" ? publicProtocol === "https:" : told === "https";
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
