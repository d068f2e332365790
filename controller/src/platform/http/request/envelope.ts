import { randomUUID } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import { plainAddress } from "../../auth/address.ts";
import { counter, histogram } from "../../observability/index.ts";
import { apiPolicy, cameByHttps, securityHeaders, strictTransport } from "../security-headers.ts";
import type { Env } from "./call.ts";

/**
 * What every request gets, whatever answers it: an id, its place in the figures, and headers that keep browsers safe.
 * @param publicProtocol of the address that people use, for example "https:"
 * @param trusted whether an address belongs to a proxy whose X-Forwarded-Proto is believed
 */
export function envelope(publicProtocol: string | null, trusted: (address: string) => boolean): MiddlewareHandler<Env> {
  const requests = counter("devflow_http_requests_total", "Answers of the web port", ["method", "status"]);
  const requestSeconds = histogram(
    "devflow_http_request_seconds",
    "Time from a request's head to its answer's",
    [0.005, 0.02, 0.1, 0.5, 2, 10],
  );
  return async (call, next) => {
    const requestId = randomUUID();
    call.set("requestId", requestId);
    const began = performance.now();
    await next();
    requestSeconds.observe((performance.now() - began) / 1000);
    requests.inc({ method: call.req.method.length < 8 ? call.req.method : "other", status: String(call.res.status) });
    const { headers } = call.res;
    for (const [name, value] of securityHeaders) headers.set(name, value);
    const forwarded = call.req.raw.headers.get("x-forwarded-proto");
    const believed = forwarded !== null && trusted(plainAddress(call.env?.incoming?.socket.remoteAddress ?? "")) ? forwarded : null;
    if (cameByHttps(publicProtocol, believed)) headers.set(...strictTransport);
    if (!headers.has("content-security-policy")) headers.set("content-security-policy", apiPolicy);
    if (!headers.has("cache-control")) headers.set("cache-control", "no-store");
    headers.set("x-request-id", requestId);
  };
}
